mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  name       = "images-test"
  bucket_arn = "arn:aws:s3:::acme-images"
  table      = { arn = "arn:aws:dynamodb:eu-central-1:123456789012:table/images-test", indexes = ["by_everyone"] }
  queue      = { arn = "arn:aws:sqs:eu-central-1:123456789012:acme-images-arrivals" }
  execution = {
    repository_arn = "arn:aws:ecr:eu-central-1:123456789012:repository/images-test"
    secret_arns    = ["arn:aws:secretsmanager:eu-central-1:123456789012:secret:images-test/secret-key"]
    log_group_arns = ["arn:aws:logs:eu-central-1:123456789012:log-group:/images-test/web"]
  }
  github = { repository = "acme/image-service", owner_id = "11", repository_id = "22", environment = "production" }
  deployment = {
    repository_arn = "arn:aws:ecr:eu-central-1:123456789012:repository/images-test"
    cluster_name   = "images-test"
    service_names  = ["images-test-web"]
    families       = ["images-test-web"]
    alarm_prefix   = "images-test"
  }
}

run "a_bucket_alone_needs_nothing_else" {
  command = plan

  module {
    source = "./modules/identity"
  }

  variables {
    table      = null
    queue      = null
    github     = null
    deployment = null
    execution  = null
  }

  assert {
    condition     = alltrue([for action in flatten([for statement in jsondecode(aws_iam_role_policy.task.policy).Statement : statement.Action]) : startswith(action, "s3:")])
    error_message = "The role may do more than the bucket needs."
  }

  assert {
    condition     = length(aws_iam_role.execution) == 0 && length(aws_iam_role.github) == 0 && length(aws_iam_openid_connect_provider.github) == 0
    error_message = "Roles that nobody asked for."
  }
}

run "as_it_comes" {
  command = plan

  module {
    source = "./modules/identity"
  }

  assert {
    condition     = alltrue([for action in flatten([for statement in jsondecode(aws_iam_role_policy.task.policy).Statement : statement.Action]) : !strcontains(action, "*")])
    error_message = "A wildcard action."
  }

  assert {
    condition     = alltrue([for statement in jsondecode(aws_iam_role_policy.task.policy).Statement : alltrue([for resource in flatten([statement.Resource]) : resource != "*"])])
    error_message = "A statement for every resource."
  }

  assert {
    condition     = alltrue([for statement in jsondecode(aws_iam_role_policy.task.policy).Statement : alltrue([for resource in flatten([statement.Resource]) : !startswith(resource, "arn:aws:s3:::") || contains(["arn:aws:s3:::acme-images", "arn:aws:s3:::acme-images/images/*", "arn:aws:s3:::acme-images/pending/*"], resource)])])
    error_message = "Objects outside images/ and pending/."
  }

  assert {
    condition     = [for statement in jsondecode(aws_iam_role_policy.task.policy).Statement : statement.Condition.StringLike["s3:prefix"] if statement.Sid == "ListImagesAndPending"][0] == ["images/*", "pending/*"]
    error_message = "Other prefixes can be listed."
  }

  assert {
    condition     = [for statement in jsondecode(aws_iam_role_policy.task.policy).Statement : statement.Condition.Null["s3:prefix"] if statement.Sid == "TellMissingFromForbidden"][0] == "true"
    error_message = "A listing of another prefix passes for HeadBucket."
  }

  assert {
    condition     = jsondecode(aws_iam_role.github["deploy"].assume_role_policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:sub"] == ["repo:acme/image-service:environment:production", "repo:acme@11/image-service@22:environment:production"]
    error_message = "Not exactly the two subjects."
  }

  assert {
    condition     = jsondecode(aws_iam_role.github["deploy"].assume_role_policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:aud"] == "sts.amazonaws.com"
    error_message = "Another audience."
  }

  assert {
    condition     = !contains(keys(aws_iam_role.github), "build")
    error_message = "A role to push that nobody asked for."
  }

  assert {
    condition     = aws_iam_openid_connect_provider.github[0].client_id_list == toset(["sts.amazonaws.com"])
    error_message = "Another audience of the provider."
  }
}

run "the_key_is_used_through_s3_only" {
  command = plan

  module {
    source = "./modules/identity"
  }

  variables {
    bucket_key = { arn = "arn:aws:kms:eu-central-1:123456789012:key/11111111-1111-1111-1111-111111111111" }
  }

  assert {
    condition     = [for statement in jsondecode(aws_iam_role_policy.task.policy).Statement : statement.Condition.StringEquals["kms:ViaService"] if statement.Sid == "EncryptAndDecryptThroughS3"] == ["s3.eu-central-1.amazonaws.com"]
    error_message = "The key can be used outside S3."
  }
}

run "images_are_pushed_by_another_environment" {
  command = plan

  module {
    source = "./modules/identity"
  }

  variables {
    github = { repository = "acme/image-service", owner_id = "11", repository_id = "22", environment = "production", build_environment = "build" }
  }

  assert {
    condition     = jsondecode(aws_iam_role.github["build"].assume_role_policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:sub"][0] == "repo:acme/image-service:environment:build"
    error_message = "Another environment may push."
  }

  assert {
    condition     = alltrue([for action in flatten([for statement in jsondecode(aws_iam_role_policy.github["build"].policy).Statement : statement.Action]) : startswith(action, "ecr:")])
    error_message = "Who pushes may do more."
  }
}

run "an_existing_provider_is_used" {
  command = plan

  module {
    source = "./modules/identity"
  }

  variables {
    github = { repository = "acme/image-service", owner_id = "11", repository_id = "22", environment = "production", oidc_provider_arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com" }
  }

  assert {
    condition     = length(aws_iam_openid_connect_provider.github) == 0
    error_message = "A second provider, which AWS refuses."
  }
}

run "a_boundary_holds_for_every_role" {
  command = plan

  module {
    source = "./modules/identity"
  }

  variables {
    permissions_boundary_arn = "arn:aws:iam::123456789012:policy/boundary"
  }

  assert {
    condition     = alltrue([for role in concat([aws_iam_role.task], aws_iam_role.execution, values(aws_iam_role.github)) : role.permissions_boundary == "arn:aws:iam::123456789012:policy/boundary"])
    error_message = "A role without the boundary."
  }
}

run "refuses_bad_values_1" {
  command = plan

  module {
    source = "./modules/identity"
  }

  variables {
    # name of roles with capitals
    name = "Images"
    # bucket by name
    bucket_arn = "acme-images"
    # bucket key by alias
    bucket_key = { arn = "alias/images" }
    # every table
    table = { arn = "arn:aws:dynamodb:eu-central-1:123456789012:table/*", indexes = [] }
    # queue by url
    queue = { arn = "https://sqs.eu-central-1.amazonaws.com/123456789012/arrivals" }
    # no secret to read
    execution = { repository_arn = "arn:aws:ecr:eu-central-1:123456789012:repository/images", secret_arns = [], log_group_arns = ["arn:aws:logs:eu-central-1:123456789012:log-group:/images"] }
    # every repository of an owner
    github = { repository = "acme/*", owner_id = "11", repository_id = "22", environment = "production" }
    # boundary by name
    permissions_boundary_arn = "boundary"
  }

  expect_failures = [
    var.name,
    var.bucket_arn,
    var.bucket_key,
    var.table,
    var.queue,
    var.execution,
    var.github,
    var.permissions_boundary_arn,
  ]
}

run "refuses_bad_values_2" {
  command = plan

  module {
    source = "./modules/identity"
  }

  variables {
    # bucket with a wildcard
    bucket_arn = "arn:aws:s3:::*"
    # every index
    table = { arn = "arn:aws:dynamodb:eu-central-1:123456789012:table/images", indexes = ["*"] }
    # every secret
    execution = { repository_arn = "arn:aws:ecr:eu-central-1:123456789012:repository/images", secret_arns = ["*"], log_group_arns = ["arn:aws:logs:eu-central-1:123456789012:log-group:/images"] }
    # repository without owner
    github = { repository = "image-service", owner_id = "11", repository_id = "22", environment = "production" }
  }

  expect_failures = [var.bucket_arn, var.table, var.execution, var.github]
}

run "refuses_bad_values_3" {
  command = plan

  module {
    source = "./modules/identity"
  }

  variables {
    # every log group
    execution = { repository_arn = "arn:aws:ecr:eu-central-1:123456789012:repository/images", secret_arns = ["arn:aws:secretsmanager:eu-central-1:123456789012:secret:key"], log_group_arns = ["*"] }
    # empty repository
    github = { repository = "", owner_id = "11", repository_id = "22", environment = "production" }
  }

  expect_failures = [var.execution, var.github]
}

run "refuses_owner_by_name_instead_of_number" {
  command = plan

  module {
    source = "./modules/identity"
  }

  variables {
    # owner by name instead of number
    github = { repository = "acme/image-service", owner_id = "acme", repository_id = "22", environment = "production" }
  }

  expect_failures = [var.github]
}

run "refuses_empty_repository_number" {
  command = plan

  module {
    source = "./modules/identity"
  }

  variables {
    # empty repository number
    github = { repository = "acme/image-service", owner_id = "11", repository_id = "", environment = "production" }
  }

  expect_failures = [var.github]
}

run "refuses_empty_environment" {
  command = plan

  module {
    source = "./modules/identity"
  }

  variables {
    # empty environment
    github = { repository = "acme/image-service", owner_id = "11", repository_id = "22", environment = "" }
  }

  expect_failures = [var.github]
}

run "refuses_every_environment" {
  command = plan

  module {
    source = "./modules/identity"
  }

  variables {
    # every environment
    github = { repository = "acme/image-service", owner_id = "11", repository_id = "22", environment = "*" }
  }

  expect_failures = [var.github]
}

run "refuses_environment_that_smuggles_a_subject" {
  command = plan

  module {
    source = "./modules/identity"
  }

  variables {
    # environment that smuggles a subject
    github = { repository = "acme/image-service", owner_id = "11", repository_id = "22", environment = "production:ref:refs/heads/main" }
  }

  expect_failures = [var.github]
}

run "refuses_whoever_pushes_deploys" {
  command = plan

  module {
    source = "./modules/identity"
  }

  variables {
    # whoever pushes deploys
    github = { repository = "acme/image-service", owner_id = "11", repository_id = "22", environment = "production", build_environment = "production" }
  }

  expect_failures = [var.github]
}

run "refuses_provider_of_somebody_else" {
  command = plan

  module {
    source = "./modules/identity"
  }

  variables {
    # provider of somebody else
    github = { repository = "acme/image-service", owner_id = "11", repository_id = "22", environment = "production", oidc_provider_arn = "arn:aws:iam::123456789012:oidc-provider/example.org" }
  }

  expect_failures = [var.github]
}

run "refuses_github_with_nothing_to_deploy" {
  command = plan

  module {
    source = "./modules/identity"
  }

  variables {
    # github with nothing to deploy
    deployment = null
  }

  expect_failures = [var.deployment]
}

run "refuses_every_service" {
  command = plan

  module {
    source = "./modules/identity"
  }

  variables {
    # every service
    deployment = {
      repository_arn = "arn:aws:ecr:eu-central-1:123456789012:repository/images-test"
      cluster_name   = "images-test"
      service_names  = ["*"]
      families       = ["images-test-web"]
      alarm_prefix   = "images-test"
    }
  }

  expect_failures = [var.deployment]
}
