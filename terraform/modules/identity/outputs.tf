output "task_role_arn" {
  description = "Role of the running service."
  value       = aws_iam_role.task.arn
}

output "task_role_name" {
  description = "Name of the role of the running service."
  value       = aws_iam_role.task.name
}

output "task_policy" {
  description = "The policy document of the service's role, as JSON."
  value       = local.task_policy
}

output "execution_role_arn" {
  description = "Role of ECS when it starts a task; null without execution."
  value       = one(aws_iam_role.execution[*].arn)
  depends_on  = [aws_iam_role_policy.execution] # a task that starts earlier could not pull its image
}

output "github_role_arns" {
  description = "role-to-assume of GitHub's jobs: deploy, and build where build_environment is set."
  value       = { for role, it in aws_iam_role.github : role => it.arn }
}

output "github_trust_policies" {
  description = "Who may assume the roles for GitHub, as JSON."
  value       = { for role, it in aws_iam_role.github : role => it.assume_role_policy }
}
