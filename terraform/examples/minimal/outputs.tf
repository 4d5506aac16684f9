output "settings" {
  description = "Settings of a service that uses the bucket."
  value = {
    AWS_REGION = var.region
    S3_BUCKET  = module.storage.bucket_name
  }
}

output "task_role_arn" {
  description = "The role that the service is to run under."
  value       = module.identity.task_role_arn
}

output "task_policy" {
  description = "The role's policy document, as JSON."
  value       = module.identity.task_policy
}
