variable "name" {
  description = "Prefix of the names."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,22}[a-z0-9]$", var.name))
    error_message = "name: write 3 to 24 of a-z, 0-9 and '-', beginning with a letter, for example images-production."
  }
}

variable "cidr" {
  description = "Addresses of the network."
  type        = string
  default     = "10.20.0.0/16"
  nullable    = false

  validation {
    condition     = can(cidrhost(var.cidr, 0)) && can(regex("^(10\\.|172\\.(1[6-9]|2[0-9]|3[01])\\.|192\\.168\\.)", var.cidr)) && try(tonumber(split("/", var.cidr)[1]) >= 16 && tonumber(split("/", var.cidr)[1]) <= 22, false) && try(cidrhost(var.cidr, 0) == split("/", var.cidr)[0], false)
    error_message = "cidr: write a private IPv4 network of /16 to /22 by its first address (10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16), for example 10.20.0.0/16."
  }
}

variable "availability_zones" {
  description = "Two or three zones of the region, for example [\"eu-central-1a\", \"eu-central-1b\"]."
  type        = list(string)
  nullable    = false

  validation {
    condition     = contains([2, 3], length(distinct(var.availability_zones))) && length(distinct(var.availability_zones)) == length(var.availability_zones) && alltrue([for zone in var.availability_zones : can(regex("^[a-z]{2}(-[a-z]+)+-[0-9][a-z]$", zone))])
    error_message = "availability_zones: write two or three different zones, for example [\"eu-central-1a\", \"eu-central-1b\"]; a load balancer needs two."
  }
}

variable "bucket_arn" {
  description = "The bucket that the network's way to S3 leads to."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:s3:::[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.bucket_arn))
    error_message = "bucket_arn: write a bucket's ARN without a path, arn:aws:s3:::<name>."
  }
}

variable "table_arn" {
  description = "The table that the network's way to DynamoDB leads to."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:dynamodb:[a-z0-9-]+:[0-9]{12}:table/[A-Za-z0-9_.-]+$", var.table_arn))
    error_message = "table_arn: write a table's ARN, arn:aws:dynamodb:<region>:<account>:table/<name>."
  }
}

variable "flow_log_days" {
  description = "Days that the log of connections is kept."
  type        = number
  default     = 365
  nullable    = false

  validation {
    condition     = contains([30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.flow_log_days)
    error_message = "flow_log_days: write one of 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 and 3653, which CloudWatch knows."
  }
}
