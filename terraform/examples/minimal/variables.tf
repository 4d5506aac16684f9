variable "region" {
  description = "The region that everything is in."
  type        = string
  default     = "eu-central-1"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region: write a region's name, for example eu-central-1."
  }
}

variable "bucket_name" {
  description = "Name of the bucket; no other account may have one of that name."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,56}[a-z0-9]$", var.bucket_name))
    error_message = "bucket_name: write 3 to 58 of a-z, 0-9 and '-', beginning and ending with a letter or digit, for example acme-images-development."
  }
}
