variable "name" {
  description = "Prefix of the names."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,22}[a-z0-9]$", var.name))
    error_message = "name: write 3 to 24 of a-z, 0-9 and '-', beginning with a letter, for example images-production."
  }
}

variable "bucket" {
  description = "The images' bucket: its name and its host name in its region."
  type = object({
    name                 = string
    regional_domain_name = string
  })
  nullable = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.bucket.name)) && can(regex("^[a-z0-9.-]+\\.[a-z]+$", var.bucket.regional_domain_name))
    error_message = "bucket: write its name, and its host name as <name>.s3.<region>.amazonaws.com."
  }
}

variable "domain_name" {
  description = "Host name of the distribution; its DNS record is to point there."
  type        = string
  nullable    = false

  validation {
    condition     = length(var.domain_name) <= 253 && can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,63}$", var.domain_name))
    error_message = "domain_name: write a host name in small letters, without scheme or path, for example cdn.example.org."
  }
}

variable "certificate_arn" {
  description = "The certificate for domain_name; CloudFront takes those of us-east-1 only."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws:acm:us-east-1:[0-9]{12}:certificate/[0-9a-f-]{36}$", var.certificate_arn))
    error_message = "certificate_arn: write an ACM certificate's ARN in us-east-1, arn:aws:acm:us-east-1:<account>:certificate/<id>."
  }
}

variable "key_group_ids" {
  description = "CloudFront key groups whose signatures open an image."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.key_group_ids) > 0 && length(var.key_group_ids) <= 4 && alltrue([for id in var.key_group_ids : can(regex("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", id))])
    error_message = "key_group_ids: write one to four ids of CloudFront key groups; without any, everybody who knows an address could read the image."
  }
}

variable "price_class" {
  description = "Which of CloudFront's places deliver."
  type        = string
  default     = "PriceClass_100"
  nullable    = false

  validation {
    condition     = contains(["PriceClass_100", "PriceClass_200", "PriceClass_All"], var.price_class)
    error_message = "price_class: write PriceClass_100, PriceClass_200 or PriceClass_All."
  }
}

variable "web_acl_arn" {
  description = "A web ACL of scope CLOUDFRONT, made in us-east-1. null: none."
  type        = string
  default     = null

  validation {
    condition     = var.web_acl_arn == null ? true : can(regex("^arn:aws:wafv2:us-east-1:[0-9]{12}:global/webacl/.+$", var.web_acl_arn))
    error_message = "web_acl_arn: write arn:aws:wafv2:us-east-1:<account>:global/webacl/<name>/<id>, or null."
  }
}
