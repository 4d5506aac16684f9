variable "name" {
  description = "Prefix of the names."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,22}[a-z0-9]$", var.name))
    error_message = "name: write 3 to 24 of a-z, 0-9 and '-', beginning with a letter, for example images-production."
  }
}

variable "environment" {
  description = "ENVIRONMENT of the service."
  type        = string
  nullable    = false

  validation {
    condition     = contains(["development", "testing", "staging", "production"], var.environment)
    error_message = "environment: write development, testing, staging or production."
  }
}

variable "image_repository" {
  description = "An ECR repository that exists already, for an environment that runs what another one's pipeline built. null: one is made."
  type = object({
    arn = string
  })
  default = null

  validation {
    condition     = var.image_repository == null ? true : can(regex("^arn:aws[a-z-]*:ecr:[a-z0-9-]+:[0-9]{12}:repository/[a-z0-9][a-z0-9._/-]*$", var.image_repository.arn))
    error_message = "image_repository.arn: write a repository's ARN, arn:aws:ecr:<region>:<account>:repository/<name>, or null for the whole."
  }
}

variable "image_digest" {
  description = "Digest of the image that the first tasks run; later ones are the pipeline's business."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^sha256:[0-9a-f]{64}$", var.image_digest))
    error_message = "image_digest: write sha256: and 64 hexadecimal digits, as the registry prints them; a tag can come to mean another image."
  }
}

variable "cpu" {
  description = "CPU units of a task; 1024 are one vCPU."
  type        = number
  default     = 1024
  nullable    = false

  validation {
    condition     = contains([256, 512, 1024, 2048, 4096, 8192, 16384], var.cpu)
    error_message = "cpu: write 256, 512, 1024, 2048, 4096, 8192 or 16384."
  }
}

variable "memory" {
  description = "Memory of a task in MiB."
  type        = number
  default     = 2048
  nullable    = false

  validation {
    condition = contains({
      256   = [512, 1024, 2048]
      512   = range(1024, 4097, 1024)
      1024  = range(2048, 8193, 1024)
      2048  = range(4096, 16385, 1024)
      4096  = range(8192, 30721, 1024)
      8192  = range(16384, 61441, 4096)
      16384 = range(32768, 122881, 8192)
    }[contains([256, 512, 1024, 2048, 4096, 8192, 16384], var.cpu) ? var.cpu : 1024], var.memory)
    error_message = "memory: write what Fargate offers beside the cpu, in MiB: 2 to 8 times cpu in steps of 1024 (cpu = 256: 512, 1024 or 2048; cpu above 4096: steps of 4096 and 8192)."
  }
}

variable "min_tasks" {
  description = "Tasks that always run."
  type        = number
  default     = 2
  nullable    = false

  validation {
    condition     = var.min_tasks >= 1 && var.min_tasks <= 500 && floor(var.min_tasks) == var.min_tasks && (var.min_tasks >= 2 || var.environment != "production")
    error_message = "min_tasks: write a whole number, 1 to 500, and in production 2 or more: one task is one availability zone."
  }
}

variable "max_tasks" {
  description = "Tasks that run at most."
  type        = number
  default     = 10
  nullable    = false

  validation {
    condition     = var.max_tasks >= var.min_tasks && var.max_tasks <= 500 && floor(var.max_tasks) == var.max_tasks
    error_message = "max_tasks: write a whole number from min_tasks to 500."
  }
}

variable "cpu_target" {
  description = "Average CPU use, in percent, that tasks are added and removed to keep."
  type        = number
  default     = 60
  nullable    = false

  validation {
    condition     = var.cpu_target >= 20 && var.cpu_target <= 90
    error_message = "cpu_target: write a percentage, 20 to 90; above, new tasks come too late."
  }
}

variable "requests_target" {
  description = "Requests per task and minute that tasks are added and removed to keep."
  type        = number
  default     = 6000
  nullable    = false

  validation {
    condition     = var.requests_target >= 60 && floor(var.requests_target) == var.requests_target
    error_message = "requests_target: write whole requests per minute, 60 or more."
  }
}

variable "domain_name" {
  description = "Host name that callers use; its DNS record is to point at the load balancer."
  type        = string
  nullable    = false

  validation {
    condition     = length(var.domain_name) <= 253 && can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,63}$", var.domain_name))
    error_message = "domain_name: write a host name in small letters, without scheme or path, for example images.example.org."
  }
}

variable "certificate_arn" {
  description = "The certificate for domain_name, in this region."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/[0-9a-f-]{36}$", var.certificate_arn))
    error_message = "certificate_arn: write an ACM certificate's ARN, arn:aws:acm:<region>:<account>:certificate/<id>; there is no listener without TLS."
  }
}

variable "network" {
  description = "Where the load balancer and the tasks are: outputs of the module network, or the same of a network of yours."
  type = object({
    vpc_id                     = string
    public_subnet_ids          = list(string)
    private_subnet_ids         = list(string)
    endpoint_security_group_id = string
    prefix_list_ids            = map(string)
  })
  nullable = false

  validation {
    condition     = length(var.network.public_subnet_ids) >= 2 && length(var.network.private_subnet_ids) >= 2
    error_message = "network: write at least two public and two private subnets, in different availability zones."
  }

  validation {
    condition     = can(regex("^vpc-[0-9a-z]+$", var.network.vpc_id)) && can(regex("^sg-[0-9a-z]+$", var.network.endpoint_security_group_id)) && alltrue([for id in concat(var.network.public_subnet_ids, var.network.private_subnet_ids) : can(regex("^subnet-[0-9a-z]+$", id))]) && alltrue([for id in values(var.network.prefix_list_ids) : can(regex("^pl-[0-9a-z]+$", id))])
    error_message = "network: write ids as AWS gives them: vpc-…, subnet-…, sg-… and pl-…."
  }
}

variable "ingress_cidrs" {
  description = "Networks whose callers may reach the load balancer."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for cidr in var.ingress_cidrs : can(cidrhost(cidr, 0)) && try(cidrhost(cidr, 0) == split("/", cidr)[0], false) && !strcontains(cidr, ":")])
    error_message = "ingress_cidrs: write IPv4 networks by their first address, for example 203.0.113.0/24."
  }

  validation {
    # Not only /0: two halves are the internet as well.
    condition     = !(contains(["staging", "production"], var.environment) && anytrue([for cidr in var.ingress_cidrs : try(tonumber(split("/", cidr)[1]) < 8, false)]))
    error_message = "ingress_cidrs: with auth = \"none\" write the networks of your trusted callers, each /8 or smaller; 0.0.0.0/0 or its halves would let everybody on the internet change and delete images."
  }

  validation {
    condition     = length(var.ingress_cidrs) + length(var.ingress_prefix_list_ids) > 0
    error_message = "ingress_cidrs: write at least one network here or one list in ingress_prefix_list_ids; without any nobody reaches the service."
  }
}

variable "ingress_prefix_list_ids" {
  description = "Prefix lists whose callers may reach the load balancer."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for id in var.ingress_prefix_list_ids : can(regex("^pl-[0-9a-z]+$", id))])
    error_message = "ingress_prefix_list_ids: write ids of prefix lists, pl-…."
  }
}

variable "auth" {
  description = "AUTH of the service: how callers prove who they are. This release has none only."
  type        = string
  default     = "none"
  nullable    = false

  validation {
    condition     = contains(["none"], var.auth)
    error_message = "auth: write none; with any other the service of this release does not start."
  }
}

variable "allow_anonymous" {
  description = "Says that callers without credentials are meant. Needed in staging and production while auth is none, where the service refuses to start otherwise."
  type        = bool
  default     = false
  nullable    = false

  validation {
    condition     = var.allow_anonymous || var.auth != "none" || !contains(["staging", "production"], var.environment)
    error_message = "allow_anonymous: write true if only trusted callers reach the load balancer (see ingress_cidrs); with auth = \"none\" whoever reaches it may read, change and delete every image, and the service does not start without this word."
  }
}

variable "storage" {
  description = "Where the bytes are: outputs of the module storage."
  type = object({
    bucket_name     = string
    log_bucket_name = string
    queue_url       = optional(string)
  })
  nullable = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.storage.bucket_name)) && can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.storage.log_bucket_name))
    error_message = "storage: write the names of the bucket and of the bucket of access logs."
  }

  validation {
    condition     = var.storage.queue_url == null ? true : can(regex("^https?://[^\\s/?#@]+/[^\\s?#]+$", var.storage.queue_url))
    error_message = "storage.queue_url: write the queue's URL, https://sqs.<region>.amazonaws.com/<account>/<name>, or leave it out."
  }
}

variable "table_name" {
  description = "DYNAMO_TABLE of the service."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_.-]{3,255}$", var.table_name))
    error_message = "table_name: write 3 to 255 of A-Z, a-z, 0-9, '.', '_' and '-'."
  }
}

variable "task_role_arn" {
  description = "Role of the running service: output of the module identity."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$", var.task_role_arn))
    error_message = "task_role_arn: write a role's ARN, arn:aws:iam::<account>:role/<name>."
  }
}

variable "execution_role_arn" {
  description = "Role of ECS when it starts a task: output of the module identity."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$", var.execution_role_arn))
    error_message = "execution_role_arn: write a role's ARN, arn:aws:iam::<account>:role/<name>."
  }
}

variable "secret_key_arn" {
  description = "The secret whose value is SECRET_KEY, 32 characters or more."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+$", var.secret_key_arn))
    error_message = "secret_key_arn: write a secret's ARN, arn:aws:secretsmanager:<region>:<account>:secret:<name>; never the key itself."
  }
}

variable "settings" {
  description = "Other settings of the service, by the names of its documentation, for example { MAX_FILE_SIZE = \"20971520\" }."
  type        = map(string)
  default     = {}
  nullable    = false

  # A list of what may be set, because the service ignores a name that it does not know: MAX_FILE_SZIE would set nothing.
  validation {
    condition = alltrue([for name in keys(var.settings) : startswith(name, "RATE_LIMIT") || contains([
      "DECODE_PROCESSES", "LOG_LEVEL", "MAX_FILE_SIZE", "MAX_PIXELS", "MIN_UPLOAD_RATE", "PRESIGNED_EXPIRATION",
      "S3_ADDRESSING_STYLE", "S3_ENCRYPTION", "S3_KMS_KEY_ID", "STRICT_CONTENT_TYPE", "THREADS", "UPLOAD_MEMORY",
      "VERIFY_DECODE", "WEB_CONCURRENCY",
    ], name)])
    error_message = "settings: write DECODE_PROCESSES, LOG_LEVEL, MAX_FILE_SIZE, MAX_PIXELS, MIN_UPLOAD_RATE, PRESIGNED_EXPIRATION, S3_ADDRESSING_STYLE, S3_ENCRYPTION, S3_KMS_KEY_ID, STRICT_CONTENT_TYPE, THREADS, UPLOAD_MEMORY, VERIFY_DECODE or WEB_CONCURRENCY; bucket, table, queue, address, endpoints, credentials, AUTH and ENVIRONMENT come from this module and the task, SECRET_KEY from the secret."
  }

  validation {
    condition     = alltrue([for name in keys(var.settings) : !startswith(name, "RATE_LIMIT")])
    error_message = "settings: leave out RATE_LIMIT: behind the load balancer all callers share one address, and one of them would use up the limit of all; write firewall = { requests_per_5_minutes = … } instead."
  }
}

variable "log_days" {
  description = "Days that logs are kept."
  type        = number
  default     = 365
  nullable    = false

  validation {
    condition     = contains([30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_days)
    error_message = "log_days: write one of 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 and 3653, which CloudWatch knows."
  }
}

variable "rollback_alarm_names" {
  description = "Alarms that roll a deployment back when they go off while it runs."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for name in var.rollback_alarm_names : length(name) >= 1 && length(name) <= 255])
    error_message = "rollback_alarm_names: write names of CloudWatch alarms."
  }
}

variable "firewall" {
  description = "A web application firewall before the load balancer, with a limit of requests per client address in 5 minutes. null: none."
  type = object({
    requests_per_5_minutes = optional(number, 10000)
  })
  default = null

  validation {
    condition     = var.firewall == null ? true : var.firewall.requests_per_5_minutes >= 100 && var.firewall.requests_per_5_minutes <= 2000000000 && floor(var.firewall.requests_per_5_minutes) == var.firewall.requests_per_5_minutes
    error_message = "firewall.requests_per_5_minutes: write a whole number, 100 to 2000000000."
  }
}

variable "deletion_protection" {
  description = "Whether the load balancer and the repository refuse to be removed."
  type        = bool
  default     = true
  nullable    = false
}
