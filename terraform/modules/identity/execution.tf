# What ECS does on behalf of a task before it runs: pull the image, read its secrets, write its logs.

resource "aws_iam_role" "execution" {
  count                = var.execution == null ? 0 : 1
  name                 = "${var.name}-execution"
  description          = "What ECS needs to start the image service"
  assume_role_policy   = local.trust_of_tasks
  permissions_boundary = var.permissions_boundary_arn
}

resource "aws_iam_role_policy" "execution" {
  count = var.execution == null ? 0 : 1
  name  = "start"
  role  = aws_iam_role.execution[0].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      local.log_in_to_ecr,
      {
        Sid      = "PullTheImage"
        Effect   = "Allow"
        Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        Resource = var.execution.repository_arn
      },
      {
        Sid      = "ReadSecrets"
        Effect   = "Allow"
        Action   = "secretsmanager:GetSecretValue"
        Resource = var.execution.secret_arns
      },
      {
        Sid      = "WriteLogs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = [for arn in var.execution.log_group_arns : "${arn}:log-stream:*"]
      },
    ]
  })
}

locals {
  log_in_to_ecr = {
    Sid      = "LogInToEcr"
    Effect   = "Allow"
    Action   = "ecr:GetAuthorizationToken"
    Resource = "*" # the action knows no resources
  }
}
