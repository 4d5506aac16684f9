variable "name" {
  description = "Prefix of the roles' names."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,22}[a-z0-9]$", var.name))
    error_message = "name: write 3 to 24 of a-z, 0-9 and '-', beginning with a letter, for example images-production."
  }
}

variable "bucket_arn" {
  description = "The images' bucket."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:s3:::[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.bucket_arn))
    error_message = "bucket_arn: write a bucket's ARN without a path, arn:aws:s3:::<name>."
  }
}

variable "bucket_key" {
  description = "The KMS key that encrypts the bucket. null: none, the bucket uses AES256."
  type = object({
    arn = string
  })
  default = null

  validation {
    condition     = var.bucket_key == null ? true : can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.bucket_key.arn))
    error_message = "bucket_key.arn: write a key's ARN, arn:aws:kms:<region>:<account>:key/<id>, or null for the whole."
  }
}

variable "table" {
  description = "The DynamoDB table of the metadata and its indexes. null: metadata in SQL."
  type = object({
    arn     = string
    indexes = list(string)
  })
  default = null

  validation {
    condition     = var.table == null ? true : can(regex("^arn:aws[a-z-]*:dynamodb:[a-z0-9-]+:[0-9]{12}:table/[A-Za-z0-9_.-]+$", var.table.arn)) && alltrue([for index in var.table.indexes : can(regex("^[A-Za-z0-9_.-]+$", index))])
    error_message = "table: write the table's ARN, arn:aws:dynamodb:<region>:<account>:table/<name>, and the plain names of its indexes."
  }
}

variable "queue" {
  description = "The queue of arrivals. null: there is none."
  type = object({
    arn = string
  })
  default = null

  validation {
    condition     = var.queue == null ? true : can(regex("^arn:aws[a-z-]*:sqs:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+(\\.fifo)?$", var.queue.arn))
    error_message = "queue.arn: write a queue's ARN, arn:aws:sqs:<region>:<account>:<name>."
  }
}

variable "execution" {
  description = "What ECS needs to start a task: the image's repository, secrets to pass, log groups to write to. null: no such role."
  type = object({
    repository_arn = string
    secret_arns    = list(string)
    log_group_arns = list(string)
  })
  default = null

  validation {
    condition     = var.execution == null ? true : can(regex("^arn:aws[a-z-]*:ecr:[a-z0-9-]+:[0-9]{12}:repository/[a-z0-9][a-z0-9._/-]*$", var.execution.repository_arn))
    error_message = "execution.repository_arn: write a repository's ARN, arn:aws:ecr:<region>:<account>:repository/<name>."
  }

  validation {
    condition     = var.execution == null ? true : length(var.execution.secret_arns) > 0 && alltrue([for arn in var.execution.secret_arns : can(regex("^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+$", arn))])
    error_message = "execution.secret_arns: write at least one, each as arn:aws:secretsmanager:<region>:<account>:secret:<name>."
  }

  validation {
    condition     = var.execution == null ? true : length(var.execution.log_group_arns) > 0 && alltrue([for arn in var.execution.log_group_arns : can(regex("^arn:aws[a-z-]*:logs:[a-z0-9-]+:[0-9]{12}:log-group:[A-Za-z0-9/_.#-]+$", arn))])
    error_message = "execution.log_group_arns: write at least one, each as arn:aws:logs:<region>:<account>:log-group:<name>, without :* at its end."
  }
}

variable "github" {
  description = <<-TEXT
    The repository whose workflows deploy. null: no role for GitHub.
    repository: owner/name. owner_id, repository_id: their numbers (gh api repos/<owner>/<name> --jq '.owner.id, .id'):
    repositories made or renamed since July 2026 send names with numbers, older ones names alone.
    environment: the GitHub environment of the jobs that deploy. build_environment: of the jobs that push images.
    oidc_provider_arn: the account's provider for token.actions.githubusercontent.com, if it has one; an account can have one only.
  TEXT
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
    condition     = var.github == null ? true : can(regex("^[A-Za-z0-9]([A-Za-z0-9-]{0,37}[A-Za-z0-9])?/[A-Za-z0-9._-]{1,100}$", var.github.repository))
    error_message = "github.repository: write owner/name of one repository, for example acme/image-service; wildcards would let other repositories deploy."
  }

  validation {
    condition     = var.github == null ? true : alltrue([for id in [var.github.owner_id, var.github.repository_id] : can(regex("^[1-9][0-9]{0,18}$", id))])
    error_message = "github.owner_id, github.repository_id: write the numbers that gh api repos/<owner>/<name> --jq '.owner.id, .id' prints."
  }

  validation {
    condition     = var.github == null ? true : alltrue([for name in compact([var.github.environment, var.github.build_environment]) : can(regex("^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$", name))]) && try(length(var.github.environment), 0) > 0 && var.github.build_environment != ""
    error_message = "github.environment, github.build_environment: write an environment's name, 1 to 100 of A-Z, a-z, 0-9, '_', '.' and '-', for example production; an empty one would match no job, a wildcard every one."
  }

  validation {
    condition     = var.github == null ? true : var.github.build_environment != var.github.environment
    error_message = "github.build_environment: write another name than github.environment; whoever may push an image is not thereby allowed to deploy it."
  }

  validation {
    condition     = try(var.github.oidc_provider_arn, null) == null ? true : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:oidc-provider/token\\.actions\\.githubusercontent\\.com$", var.github.oidc_provider_arn))
    error_message = "github.oidc_provider_arn: write arn:aws:iam::<account>:oidc-provider/token.actions.githubusercontent.com, or leave it out to make the provider."
  }
}

variable "deployment" {
  description = "What GitHub's roles deploy to. Needed with github."
  type = object({
    repository_arn = string
    cluster_name   = string
    service_names  = list(string)
    families       = list(string)
    alarm_prefix   = string
  })
  default = null

  validation {
    condition     = (var.deployment == null) == (var.github == null)
    error_message = "deployment: write it together with github, or neither."
  }

  validation {
    condition     = var.deployment == null ? true : can(regex("^arn:aws[a-z-]*:ecr:[a-z0-9-]+:[0-9]{12}:repository/[a-z0-9][a-z0-9._/-]*$", var.deployment.repository_arn))
    error_message = "deployment.repository_arn: write a repository's ARN, arn:aws:ecr:<region>:<account>:repository/<name>."
  }

  validation {
    condition     = var.deployment == null ? true : length(var.deployment.service_names) > 0 && length(var.deployment.families) > 0 && alltrue([for name in concat([var.deployment.cluster_name, var.deployment.alarm_prefix], var.deployment.service_names, var.deployment.families) : can(regex("^[A-Za-z0-9_-]{1,255}$", name))])
    error_message = "deployment: write plain names (A-Z, a-z, 0-9, '_', '-') of the cluster, of at least one service and one task definition family, and of what the alarms' names begin with; no wildcards."
  }
}

variable "permissions_boundary_arn" {
  description = "A permissions boundary for every role, where the organisation demands one."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary_arn == null ? true : can(regex("^arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/.+$", var.permissions_boundary_arn))
    error_message = "permissions_boundary_arn: write a managed policy's ARN, arn:aws:iam::<account>:policy/<name>, or null."
  }
}
