# Roles for GitHub's workflows, without a key that could leak: each trusts one environment of one repository, and the
# environment's own rules (branches, reviewers) say who gets there. A subject that names a branch, a tag or a pull
# request is never trusted, so neither is a fork.

resource "aws_iam_openid_connect_provider" "github" {
  count          = local.make_provider ? 1 : 0
  url            = "https://token.actions.githubusercontent.com"
  client_id_list = ["sts.amazonaws.com"]
}

locals {
  make_provider = var.github != null && try(var.github.oidc_provider_arn, null) == null
  provider_arn  = local.make_provider ? aws_iam_openid_connect_provider.github[0].arn : try(var.github.oidc_provider_arn, null)

  owner_and_name = try(split("/", var.github.repository), ["", ""])
  numbered       = try("${local.owner_and_name[0]}@${var.github.owner_id}/${local.owner_and_name[1]}@${var.github.repository_id}", "")

  github_roles = var.github == null ? {} : {
    for role, environment in { deploy = var.github.environment, build = var.github.build_environment } : role => environment
    if environment != null
  }
}

resource "aws_iam_role" "github" {
  for_each             = local.github_roles
  name                 = "${var.name}-${each.key}"
  description          = "Jobs of ${var.github.repository} in the environment ${each.value}"
  permissions_boundary = var.permissions_boundary_arn
  max_session_duration = 3600

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "LetOneEnvironmentAssumeIt"
      Effect    = "Allow"
      Principal = { Federated = local.provider_arn }
      Action    = "sts:AssumeRoleWithWebIdentity"
      Condition = {
        StringEquals = {
          "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
          "token.actions.githubusercontent.com:sub" = [
            "repo:${var.github.repository}:environment:${each.value}",
            "repo:${local.numbered}:environment:${each.value}",
          ]
        }
      }
    }]
  })
}

resource "aws_iam_role_policy" "github" {
  for_each = local.github_roles
  name     = each.key
  role     = aws_iam_role.github[each.key].id
  policy   = each.key == "deploy" ? local.deploy_policy : local.build_policy
}

locals {
  ecs        = "arn:${local.partition}:ecs:${local.region}:${local.account}"
  cluster    = try(var.deployment.cluster_name, "")
  services   = try([for name in var.deployment.service_names : "${local.ecs}:service/${local.cluster}/${name}"], [])
  families   = try([for family in var.deployment.families : "${local.ecs}:task-definition/${family}:*"], [])
  passed     = concat([aws_iam_role.task.arn], aws_iam_role.execution[*].arn)
  repository = try(var.deployment.repository_arn, null)

  deploy_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      local.log_in_to_ecr,
      {
        # PutImage gives the image that was built another tag; its layers can not be written.
        Sid      = "PromoteByDigest"
        Effect   = "Allow"
        Action   = ["ecr:BatchGetImage", "ecr:DescribeImages", "ecr:GetDownloadUrlForLayer", "ecr:PutImage"]
        Resource = local.repository
      },
      {
        Sid      = "RegisterRevisions"
        Effect   = "Allow"
        Action   = ["ecs:DescribeTaskDefinition", "ecs:RegisterTaskDefinition"]
        Resource = "*" # the actions know no resources; PassRole below bounds what a revision can do
      },
      {
        Sid       = "TagRevisions"
        Effect    = "Allow"
        Action    = "ecs:TagResource"
        Resource  = local.families
        Condition = { StringEquals = { "ecs:CreateAction" = "RegisterTaskDefinition" } }
      },
      {
        Sid      = "UpdateServices"
        Effect   = "Allow"
        Action   = ["ecs:DescribeServices", "ecs:UpdateService"]
        Resource = local.services
      },
      {
        Sid       = "RunTheMigrationGate"
        Effect    = "Allow"
        Action    = "ecs:RunTask"
        Resource  = local.families
        Condition = { ArnEquals = { "ecs:cluster" = "${local.ecs}:cluster/${local.cluster}" } }
      },
      {
        Sid      = "WaitForTheMigrationGate"
        Effect   = "Allow"
        Action   = "ecs:DescribeTasks"
        Resource = "${local.ecs}:task/${local.cluster}/*"
      },
      {
        Sid       = "PassTheServiceItsRoles"
        Effect    = "Allow"
        Action    = "iam:PassRole"
        Resource  = local.passed
        Condition = { StringEquals = { "iam:PassedToService" = "ecs-tasks.amazonaws.com" } }
      },
      {
        Sid      = "LookAtAlarms"
        Effect   = "Allow"
        Action   = "cloudwatch:DescribeAlarms"
        Resource = "arn:${local.partition}:cloudwatch:${local.region}:${local.account}:alarm:${try(var.deployment.alarm_prefix, "")}-*"
      },
    ]
  })

  build_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      local.log_in_to_ecr,
      {
        Sid    = "PushImages"
        Effect = "Allow"
        Action = [
          "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:CompleteLayerUpload", "ecr:DescribeImages",
          "ecr:GetDownloadUrlForLayer", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart",
        ]
        Resource = local.repository
      },
    ]
  })
}
