output "cluster_name" {
  description = "The ECS cluster."
  value       = aws_ecs_cluster.this.name
}

output "service_names" {
  description = "The ECS services, web and ingest."
  value       = { web = aws_ecs_service.web.name, ingest = aws_ecs_service.ingest.name }
}

output "repository_arn" {
  description = "The repository of the image."
  value       = local.repository_arn
}

output "repository_url" {
  description = "Where images are pushed to."
  value       = local.repository_url
}

output "log_group_arns" {
  description = "Log groups of the tasks."
  value       = [for group in aws_cloudwatch_log_group.this : group.arn]
}

output "log_group_names" {
  description = "Names of the log groups, web and ingest."
  value       = { for part, group in aws_cloudwatch_log_group.this : part => group.name }
}

output "balancer" {
  description = "The load balancer: host name and zone for a DNS record, dimensions for metrics."
  value = {
    dns_name     = aws_lb.this.dns_name
    zone_id      = aws_lb.this.zone_id
    arn_suffix   = aws_lb.this.arn_suffix
    target_group = aws_lb_target_group.web.arn_suffix
  }
}

output "environment" {
  description = "The service's settings, without its secret."
  value       = local.environment
}
