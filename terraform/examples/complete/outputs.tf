output "settings" {
  description = "The service's settings, by their names."
  value       = module.image_service.settings
}

output "task_role_arn" {
  description = "Role of the running service."
  value       = module.image_service.task_role_arn
}

output "task_policy" {
  description = "The policy document of the service's role, as JSON."
  value       = module.image_service.task_policy
}

output "github_role_arns" {
  description = "role-to-assume of GitHub's jobs: deploy and build."
  value       = module.image_service.github_role_arns
}

output "repository_url" {
  description = "Where images are pushed to."
  value       = module.image_service.repository_url
}

output "deployment" {
  description = "What the pipeline deploys to: cluster, services, task definition families, subnets, alarms."
  value       = module.image_service.deployment
}

output "load_balancer" {
  description = "Host name and zone that the DNS record of domain_name is to point at."
  value       = module.image_service.load_balancer
}

output "cdn_dns_name" {
  description = "Host name that the DNS record of delivery.domain_name is to point at; null without delivery."
  value       = module.image_service.cdn_dns_name
}
