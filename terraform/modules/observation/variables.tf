variable "name" {
  description = "Prefix of the names."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,22}[a-z0-9]$", var.name))
    error_message = "name: write 3 to 24 of a-z, 0-9 and '-', beginning with a letter, for example images-production."
  }
}

variable "balancer" {
  description = "The load balancer's and its target group's dimensions: output balancer of the module service."
  type = object({
    arn_suffix   = string
    target_group = string
  })
  nullable = false

  validation {
    condition     = can(regex("^app/[^/]+/[0-9a-z]+$", var.balancer.arn_suffix)) && can(regex("^targetgroup/[^/]+/[0-9a-z]+$", var.balancer.target_group))
    error_message = "balancer: write app/<name>/<id> and targetgroup/<name>/<id>, the ends of their ARNs."
  }
}

variable "cluster_name" {
  description = "The ECS cluster."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,255}$", var.cluster_name))
    error_message = "cluster_name: write the cluster's name, without its ARN."
  }
}

variable "service_names" {
  description = "The ECS services, web and ingest."
  type = object({
    web    = string
    ingest = string
  })
  nullable = false

  validation {
    condition     = alltrue([for name in values(var.service_names) : can(regex("^[A-Za-z0-9_-]{1,255}$", name))])
    error_message = "service_names: write the services' names, without their ARNs."
  }
}

variable "table_name" {
  description = "The DynamoDB table."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_.-]{3,255}$", var.table_name))
    error_message = "table_name: write 3 to 255 of A-Z, a-z, 0-9, '.', '_' and '-'."
  }
}

variable "queues" {
  description = "The queue of arrivals and its dead letters. null: there are none."
  type = object({
    arrivals     = string
    dead_letters = string
  })
  default = null

  validation {
    condition     = var.queues == null ? true : alltrue([for name in values(var.queues) : can(regex("^[A-Za-z0-9_-]{1,80}(\\.fifo)?$", name))])
    error_message = "queues: write the queues' names, without their URLs."
  }
}

variable "emails" {
  description = "Addresses that alarms are sent to; each has to confirm once."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for address in var.emails : can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", address))])
    error_message = "emails: write addresses such as on-call@example.org."
  }
}

variable "topic_arns" {
  description = "Existing SNS topics that alarms are sent to as well."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.topic_arns : can(regex("^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+$", arn))])
    error_message = "topic_arns: write each as arn:aws:sns:<region>:<account>:<name>."
  }
}

variable "latency_seconds" {
  description = "The slowest twentieth of the answers may take this long, uploads included."
  type        = number
  default     = 5
  nullable    = false

  validation {
    condition     = var.latency_seconds > 0 && var.latency_seconds <= 300
    error_message = "latency_seconds: write seconds, more than 0 and at most 300."
  }
}

variable "errors_percent" {
  description = "Share of answers with a 5xx status that raises the alarm, in percent."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.errors_percent > 0 && var.errors_percent <= 100
    error_message = "errors_percent: write a percentage, more than 0 and at most 100."
  }
}
