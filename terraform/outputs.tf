output "settings" {
  description = "The service's settings, by their names, for a service that runs elsewhere."
  value = {
    AWS_REGION       = data.aws_region.current.name
    S3_BUCKET        = module.storage.bucket_name
    DYNAMO_TABLE     = module.metadata.table_name
    INGEST_QUEUE_URL = module.storage.queue_url
  }
}

output "bucket_arn" {
  description = "The images' bucket."
  value       = module.storage.bucket_arn
}

output "table_arn" {
  description = "The metadata's table."
  value       = module.metadata.table_arn
}

output "task_role_arn" {
  description = "Role of the running service."
  value       = module.identity.task_role_arn
}

output "task_policy" {
  description = "The policy document of the service's role, as JSON."
  value       = module.identity.task_policy
}

output "github_role_arns" {
  description = "role-to-assume of GitHub's jobs: deploy, and build where build_environment is set."
  value       = module.identity.github_role_arns
}

output "dead_letter_queue_name" {
  description = "The queue of notifications that could not be dealt with."
  value       = module.storage.dead_letter_queue_name
}

output "repository_url" {
  description = "Where images are pushed to; null without service."
  value       = one(module.service[*].repository_url)
}

output "deployment" {
  description = "What the pipeline deploys to: cluster, services and task definition families; null without service."
  value = var.service == null ? null : {
    cluster  = module.service[0].cluster_name
    services = module.service[0].service_names
    families = local.service_names
    subnets  = module.network[0].private_subnet_ids
    alarms   = module.observation[0].rollback_alarm_names
  }
}

output "load_balancer" {
  description = "Host name and zone that the DNS record of service.domain_name is to point at; null without service."
  value       = var.service == null ? null : { dns_name = module.service[0].balancer.dns_name, zone_id = module.service[0].balancer.zone_id }
}

output "cdn_dns_name" {
  description = "Host name that the DNS record of delivery.domain_name is to point at; null without delivery."
  value       = one(module.delivery[*].dns_name)
}
