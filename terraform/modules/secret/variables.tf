variable "name" {
  description = "Name of the secret that holds SECRET_KEY."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9/_+=.@-]{1,500}$", var.name)) && !can(regex("-[A-Za-z0-9]{6}$", var.name))
    error_message = "name: write 1 to 500 of A-Z, a-z, 0-9 and /_+=.@-, not ending with '-' and six letters or digits (Secrets Manager ends its ARNs so), for example images-production/secret-key."
  }
}

variable "key_version" {
  description = "Raise it by one to have a new SECRET_KEY made at the next apply."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.key_version >= 1 && floor(var.key_version) == var.key_version
    error_message = "key_version: write a whole number, 1 or more."
  }
}

variable "recovery_days" {
  description = "Days that a removed secret can be brought back; 0 removes it at once, for a test that makes it again."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = contains([0, 7, 14, 30], var.recovery_days)
    error_message = "recovery_days: write 0, 7, 14 or 30."
  }
}
