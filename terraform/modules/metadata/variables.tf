variable "table_name" {
  description = "Name of the DynamoDB table that holds the metadata."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_.-]{3,255}$", var.table_name))
    error_message = "table_name: write 3 to 255 of A-Z, a-z, 0-9, '.', '_' and '-', for example acme-images-production."
  }
}

variable "recovery_days" {
  description = "Days to any second of which the table can be restored."
  type        = number
  default     = 35
  nullable    = false

  validation {
    condition     = var.recovery_days >= 1 && var.recovery_days <= 35 && floor(var.recovery_days) == var.recovery_days
    error_message = "recovery_days: write whole days, 1 to 35."
  }
}

variable "deletion_protection" {
  description = "Whether DynamoDB refuses to remove the table."
  type        = bool
  default     = true
  nullable    = false
}
