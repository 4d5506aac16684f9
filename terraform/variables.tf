# Values are looked at where they are used: the modules' variables refuse what is wrong there. Here stand the checks that
# only the whole can make, and those of names that several modules share.

variable "name" {
  description = "Prefix of every name but the bucket's."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,22}[a-z0-9]$", var.name))
    error_message = "name: write 3 to 24 of a-z, 0-9 and '-', beginning with a letter, for example images-production."
  }
}

variable "environment" {
  description = "What this is: development, testing, staging or production. The last two refuse what is fit for development only."
  type        = string
  nullable    = false

  validation {
    condition     = contains(["development", "testing", "staging", "production"], var.environment)
    error_message = "environment: write development, testing, staging or production."
  }
}

variable "bucket_name" {
  description = "Name of the bucket; no other account may have one of that name."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,56}[a-z0-9]$", var.bucket_name))
    error_message = "bucket_name: write 3 to 58 of a-z, 0-9 and '-', beginning and ending with a letter or digit, for example acme-images-production."
  }
}

variable "storage" {
  description = "Choices of the bucket; see modules/storage."
  type = object({
    encryption               = optional(string)
    kms_key_arn              = optional(string)
    allowed_origins          = optional(list(string))
    pending_expiration_days  = optional(number)
    noncurrent_version_days  = optional(number)
    intelligent_tiering_days = optional(number)
    access_log_days          = optional(number)
  })
  default  = {}
  nullable = false

  validation {
    condition     = try(var.storage.kms_key_arn, null) == null ? true : strcontains(var.storage.kms_key_arn, ":kms:${data.aws_region.current.name}:")
    error_message = "storage.kms_key_arn: write a key of the bucket's own region; S3 can not use another region's."
  }
}

variable "replication" {
  description = "A versioned bucket in another region that gets a copy of every image; see modules/storage. null: none."
  type = object({
    bucket_arn  = string
    kms_key_arn = optional(string)
  })
  default = null

  validation {
    condition     = try(var.replication.kms_key_arn, null) == null ? true : !strcontains(var.replication.kms_key_arn, ":kms:${data.aws_region.current.name}:")
    error_message = "replication.kms_key_arn: write a key of the other region; a copy in this one would be lost with it."
  }
}

variable "deletion_protection" {
  description = "Whether destroy is refused where it would lose data. Set it to false and apply before a teardown."
  type        = bool
  default     = true
  nullable    = false

  validation {
    condition     = var.deletion_protection || var.environment != "production" || var.teardown
    error_message = "deletion_protection: in production write teardown = true beside deletion_protection = false; the next destroy then removes every image for good."
  }
}

variable "teardown" {
  description = "Confirms that a production environment is to lose its protection against deletion."
  type        = bool
  default     = false
  nullable    = false
}

variable "service" {
  description = "The running service and its network; see modules/service and modules/network. null: bucket, table and role only."
  type = object({
    domain_name             = string
    certificate_arn         = string
    image_digest            = string
    secret_key_arn          = string # made by modules/secret, or yours
    image_repository        = optional(object({ arn = string }))
    availability_zones      = list(string)
    cidr                    = optional(string)
    ingress_cidrs           = optional(list(string))
    ingress_prefix_list_ids = optional(list(string))
    auth                    = optional(string)
    allow_anonymous         = optional(bool)
    settings                = optional(map(string))
    cpu                     = optional(number)
    memory                  = optional(number)
    min_tasks               = optional(number)
    max_tasks               = optional(number)
    cpu_target              = optional(number)
    requests_target         = optional(number)
    log_days                = optional(number)
    firewall                = optional(object({ requests_per_5_minutes = optional(number) }))
  })
  default = null

  validation {
    condition     = var.service == null ? true : alltrue([for zone in var.service.availability_zones : startswith(zone, data.aws_region.current.name)])
    error_message = "service.availability_zones: write zones of the provider's region."
  }

  validation {
    condition     = var.service == null ? true : strcontains(var.service.certificate_arn, ":acm:${data.aws_region.current.name}:")
    error_message = "service.certificate_arn: write a certificate of the provider's region; a load balancer takes no other."
  }
}

variable "alarms" {
  description = "Who hears of alarms and when they go off; see modules/observation."
  type = object({
    emails          = optional(list(string))
    topic_arns      = optional(list(string))
    latency_seconds = optional(number)
    errors_percent  = optional(number)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.service == null || var.environment != "production" || length(coalesce(var.alarms.emails, [])) + length(coalesce(var.alarms.topic_arns, [])) > 0
    error_message = "alarms: in production write at least one address in emails or one topic in topic_arns; an alarm that nobody hears is none."
  }
}

variable "github" {
  description = "The repository whose workflows deploy; see modules/identity. null: none."
  type = object({
    repository        = string
    owner_id          = string
    repository_id     = string
    environment       = string
    build_environment = optional(string)
    oidc_provider_arn = optional(string)
  })
  default = null

  validation {
    condition     = var.github == null || var.service != null
    error_message = "github: write service as well; without it there is nothing to deploy to."
  }
}

variable "delivery" {
  description = "CloudFront for signed reads of the images; see modules/delivery. null: none."
  type = object({
    domain_name     = string
    certificate_arn = string
    key_group_ids   = list(string)
    price_class     = optional(string)
    web_acl_arn     = optional(string)
  })
  default = null

  validation {
    condition     = var.delivery == null ? true : var.delivery.domain_name != try(var.service.domain_name, null)
    error_message = "delivery.domain_name: write another host name than service.domain_name; one name can not lead to both."
  }
}

variable "permissions_boundary_arn" {
  description = "A permissions boundary for the roles of the service and of GitHub, where the organisation demands one."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary_arn == null ? true : can(regex("^arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/.+$", var.permissions_boundary_arn))
    error_message = "permissions_boundary_arn: write a managed policy's ARN, arn:aws:iam::<account>:policy/<name>, or null."
  }
}
