variable "bucket_name" {
  description = "Name of the bucket that holds the images. The bucket of its access logs gets the same name with -logs."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,56}[a-z0-9]$", var.bucket_name))
    error_message = "bucket_name: write 3 to 58 of a-z, 0-9 and '-', beginning and ending with a letter or digit (no dots: TLS certificates do not cover them), for example acme-images-production."
  }

  validation {
    condition     = !can(regex("^(xn--|sthree-|amzn-s3-demo-)|(-s3alias|--ol-s3|--x-s3|--table-s3)$", var.bucket_name))
    error_message = "bucket_name: write a name without the prefixes xn--, sthree- and amzn-s3-demo- and the suffixes -s3alias, --ol-s3, --x-s3 and --table-s3, which S3 keeps to itself."
  }
}

variable "environment" {
  description = "What the bucket is for; production and staging refuse what is fit for development only."
  type        = string
  nullable    = false

  validation {
    condition     = contains(["development", "testing", "staging", "production"], var.environment)
    error_message = "environment: write development, testing, staging or production."
  }
}

variable "encryption" {
  description = "AES256 (keys that S3 keeps) or aws:kms (a KMS key with a bucket key)."
  type        = string
  default     = "AES256"
  nullable    = false

  validation {
    condition     = contains(["AES256", "aws:kms"], var.encryption)
    error_message = "encryption: write AES256 or aws:kms."
  }
}

variable "kms_key_arn" {
  description = "An existing KMS key for encryption = aws:kms. null: a key is made."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null ? true : can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.kms_key_arn))
    error_message = "kms_key_arn: write a key's ARN, arn:aws:kms:<region>:<account>:key/<id> (not an alias: an alias may point elsewhere tomorrow), or null."
  }

  validation {
    condition     = var.kms_key_arn == null || var.encryption == "aws:kms"
    error_message = "kms_key_arn: write encryption = \"aws:kms\" beside it, or leave it out; AES256 uses no key of yours."
  }
}

variable "allowed_origins" {
  description = "Origins of the pages whose browsers upload straight to the bucket, for example https://images.example.org."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for origin in var.allowed_origins : origin == "*" || can(regex("^https?://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[1-9][0-9]{0,4})?$", origin))])
    error_message = "allowed_origins: write each as scheme://host or scheme://host:port, in small letters and without a path, for example https://images.example.org."
  }

  validation {
    condition     = !contains(["staging", "production"], var.environment) || alltrue([for origin in var.allowed_origins : startswith(origin, "https://")])
    error_message = "allowed_origins: in staging and production write each origin out and with https://; * would let every page on the internet upload."
  }
}

variable "pending_expiration_days" {
  description = "Days after which an object below pending/ that nobody settled is removed."
  type        = number
  default     = 2
  nullable    = false

  validation {
    condition     = var.pending_expiration_days >= 1 && var.pending_expiration_days <= 30 && floor(var.pending_expiration_days) == var.pending_expiration_days
    error_message = "pending_expiration_days: write whole days, 1 to 30."
  }
}

variable "noncurrent_version_days" {
  description = "Days that replaced and deleted images stay recoverable. 0: for ever."
  type        = number
  default     = 365
  nullable    = false

  validation {
    condition     = var.noncurrent_version_days >= 0 && var.noncurrent_version_days <= 36500 && floor(var.noncurrent_version_days) == var.noncurrent_version_days
    error_message = "noncurrent_version_days: write whole days, 1 to 36500, or 0 to keep every version."
  }
}

variable "intelligent_tiering_days" {
  description = "Age in days at which images move to S3 Intelligent-Tiering. 0: never."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.intelligent_tiering_days >= 0 && var.intelligent_tiering_days <= 3650 && floor(var.intelligent_tiering_days) == var.intelligent_tiering_days
    error_message = "intelligent_tiering_days: write whole days, 1 to 3650, or 0 to leave images in S3 Standard."
  }
}

variable "access_log_days" {
  description = "Days that access logs are kept."
  type        = number
  default     = 365
  nullable    = false

  validation {
    condition     = var.access_log_days >= 30 && var.access_log_days <= 3650 && floor(var.access_log_days) == var.access_log_days
    error_message = "access_log_days: write whole days, 30 to 3650; below a month an incident is over before anybody looks."
  }
}

variable "notifications" {
  description = "Whether arrivals below pending/ are announced in an SQS queue, which `flask ingest` reads."
  type        = bool
  default     = true
  nullable    = false
}

variable "visibility_timeout" {
  description = "Seconds that one reader of the queue has for what it received; more than one upload takes to examine."
  type        = number
  default     = 300
  nullable    = false

  validation {
    condition     = var.visibility_timeout >= 60 && var.visibility_timeout <= 43200 && floor(var.visibility_timeout) == var.visibility_timeout
    error_message = "visibility_timeout: write whole seconds, 60 to 43200."
  }
}

variable "max_receive_count" {
  description = "How often a message is tried before it goes to the dead-letter queue."
  type        = number
  default     = 5
  nullable    = false

  validation {
    condition     = var.max_receive_count >= 2 && var.max_receive_count <= 1000 && floor(var.max_receive_count) == var.max_receive_count
    error_message = "max_receive_count: write a whole number, 2 to 1000; with 1, a restart of the reader would send good messages to the dead-letter queue."
  }
}

variable "replication" {
  description = "A versioned bucket in another region that gets a copy of every version below images/. null: none."
  type = object({
    bucket_arn  = string
    kms_key_arn = optional(string) # of the other region, if that bucket is encrypted with KMS
  })
  default = null

  validation {
    condition     = var.replication == null ? true : can(regex("^arn:aws[a-z-]*:s3:::[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.replication.bucket_arn)) && var.replication.bucket_arn != "arn:aws:s3:::${var.bucket_name}"
    error_message = "replication.bucket_arn: write the ARN of another bucket, arn:aws:s3:::<name>."
  }

  validation {
    condition     = try(var.replication.kms_key_arn, null) == null ? true : can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.replication.kms_key_arn))
    error_message = "replication.kms_key_arn: write the ARN of a key in the other bucket's region, arn:aws:kms:<region>:<account>:key/<id>."
  }

  validation {
    condition     = var.replication == null ? true : (var.encryption == "aws:kms") == (var.replication.kms_key_arn != null)
    error_message = "replication.kms_key_arn: write it if and only if encryption is aws:kms; a copy is encrypted as its original is."
  }
}

variable "cloudfront_distribution_arns" {
  description = "CloudFront distributions that may read images/ with their origin access control."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.cloudfront_distribution_arns : can(regex("^arn:aws[a-z-]*:cloudfront::[0-9]{12}:distribution/[A-Z0-9]+$", arn))])
    error_message = "cloudfront_distribution_arns: write each as arn:aws:cloudfront::<account>:distribution/<ID>."
  }
}

variable "load_balancer_logs" {
  description = "Whether a load balancer of this account may write its access logs below alb/ in the log bucket."
  type        = bool
  default     = false
  nullable    = false
}

variable "deletion_protection" {
  description = "Refuses to remove the bucket while it holds anything. false: destroy removes the images as well."
  type        = bool
  default     = true
  nullable    = false
}
