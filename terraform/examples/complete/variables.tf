variable "name" {
  description = "Prefix of every name but the bucket's."
  type        = string
  default     = "images-production"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,22}[a-z0-9]$", var.name))
    error_message = "name: write 3 to 24 of a-z, 0-9 and '-', beginning with a letter, for example images-production."
  }
}

variable "environment" {
  description = "What this is: staging or production."
  type        = string
  default     = "production"
  nullable    = false

  validation {
    condition     = contains(["staging", "production"], var.environment)
    error_message = "environment: write staging or production; for development see examples/minimal."
  }
}

variable "region" {
  description = "The region that everything but the copies is in."
  type        = string
  default     = "eu-central-1"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region: write a region's name, for example eu-central-1."
  }
}

variable "second_region" {
  description = "The region of the copies."
  type        = string
  default     = "eu-west-1"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.second_region)) && var.second_region != var.region
    error_message = "second_region: write the name of another region than region, for example eu-west-1."
  }
}

variable "bucket_name" {
  description = "Name of the bucket; the one of the copies gets -copy after it."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,51}[a-z0-9]$", var.bucket_name))
    error_message = "bucket_name: write 3 to 53 of a-z, 0-9 and '-', beginning and ending with a letter or digit, for example acme-images-production."
  }
}

variable "domain_name" {
  description = "Host name of the service."
  type        = string
  nullable    = false

  validation {
    condition     = length(var.domain_name) <= 253 && can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,63}$", var.domain_name))
    error_message = "domain_name: write a host name in small letters, without scheme or path, for example images.example.org."
  }
}

variable "certificate_arn" {
  description = "The certificate for domain_name, in region."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:acm:${var.region}:[0-9]{12}:certificate/[0-9a-f-]{36}$", var.certificate_arn))
    error_message = "certificate_arn: write an ACM certificate's ARN in region, arn:aws:acm:<region>:<account>:certificate/<id>."
  }
}

variable "image_digest" {
  description = "Digest of the image that the first tasks run."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^sha256:[0-9a-f]{64}$", var.image_digest))
    error_message = "image_digest: write sha256: and 64 hexadecimal digits, as the registry prints them."
  }
}

variable "image_repository" {
  description = "The ECR repository of another environment, whose image this one runs; see modules/service. null: one is made."
  type = object({
    arn = string
  })
  default = null

  validation {
    condition     = var.image_repository == null ? true : can(regex("^arn:aws[a-z-]*:ecr:[a-z0-9-]+:[0-9]{12}:repository/[a-z0-9][a-z0-9._/-]*$", var.image_repository.arn))
    error_message = "image_repository.arn: write a repository's ARN, arn:aws:ecr:<region>:<account>:repository/<name>, or null for the whole."
  }
}

variable "secret_key_version" {
  description = "Raise it by one to have a new SECRET_KEY made; listings that clients page through begin anew."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.secret_key_version >= 1 && floor(var.secret_key_version) == var.secret_key_version
    error_message = "secret_key_version: write a whole number, 1 or more."
  }
}

variable "ingress_cidrs" {
  description = "Networks of the callers that may reach the service."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.ingress_cidrs) > 0 && alltrue([for cidr in var.ingress_cidrs : can(cidrhost(cidr, 0)) && !strcontains(cidr, ":")])
    error_message = "ingress_cidrs: write at least one IPv4 network, for example [\"203.0.113.0/24\"]."
  }
}

variable "allow_anonymous" {
  description = "Says that callers without credentials are meant; see modules/service."
  type        = bool
  default     = false
  nullable    = false
}

variable "alarm_emails" {
  description = "Addresses that alarms are sent to."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.alarm_emails) > 0 && alltrue([for address in var.alarm_emails : can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", address))])
    error_message = "alarm_emails: write at least one address such as on-call@example.org."
  }
}

variable "github" {
  description = "The repository whose workflows deploy; see modules/identity."
  type = object({
    repository        = string
    owner_id          = string
    repository_id     = string
    environment       = string
    build_environment = optional(string, "build")
    oidc_provider_arn = optional(string)
  })
  nullable = false

  validation {
    condition     = can(regex("^[A-Za-z0-9]([A-Za-z0-9-]{0,37}[A-Za-z0-9])?/[A-Za-z0-9._-]{1,100}$", var.github.repository))
    error_message = "github.repository: write owner/name of one repository, for example acme/image-service."
  }
}

variable "delivery" {
  description = "CloudFront for signed reads of the images; see modules/delivery. null: none."
  type = object({
    domain_name     = string
    certificate_arn = string
    key_group_ids   = list(string)
  })
  default = null

  validation {
    condition     = var.delivery == null ? true : length(var.delivery.key_group_ids) > 0
    error_message = "delivery.key_group_ids: write at least one id of a CloudFront key group."
  }
}

variable "deletion_protection" {
  description = "Whether destroy is refused where it would lose data."
  type        = bool
  default     = true
  nullable    = false
}

variable "teardown" {
  description = "Confirms that production is to lose that protection."
  type        = bool
  default     = false
  nullable    = false
}
