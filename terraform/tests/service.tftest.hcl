mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  name               = "images-test"
  environment        = "production"
  image_digest       = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
  domain_name        = "images.example.org"
  certificate_arn    = "arn:aws:acm:eu-central-1:123456789012:certificate/11111111-1111-1111-1111-111111111111"
  ingress_cidrs      = ["203.0.113.0/24"]
  allow_anonymous    = true
  table_name         = "images-test"
  task_role_arn      = "arn:aws:iam::123456789012:role/images-test-task"
  execution_role_arn = "arn:aws:iam::123456789012:role/images-test-execution"
  secret_key_arn     = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:images-test/secret-key"
  storage = {
    bucket_name     = "acme-images"
    log_bucket_name = "acme-images-logs"
    queue_url       = "https://sqs.eu-central-1.amazonaws.com/123456789012/acme-images-arrivals"
  }
  network = {
    vpc_id                     = "vpc-1"
    public_subnet_ids          = ["subnet-1", "subnet-2"]
    private_subnet_ids         = ["subnet-3", "subnet-4"]
    endpoint_security_group_id = "sg-1"
    prefix_list_ids            = { s3 = "pl-1", dynamodb = "pl-2" }
  }
}

run "as_it_comes" {
  command = plan

  module {
    source = "./modules/service"
  }

  assert {
    condition     = alltrue([for container in [jsondecode(aws_ecs_task_definition.this["web"].container_definitions)[0], jsondecode(aws_ecs_task_definition.this["ingest"].container_definitions)[0]] : container.readonlyRootFilesystem && container.user == "10001:10001" && !container.privileged && container.linuxParameters.capabilities.drop == ["ALL"] && container.stopTimeout == 30])
    error_message = "A container may do more than it needs."
  }

  assert {
    condition     = endswith(jsondecode(aws_ecs_task_definition.this["web"].container_definitions)[0].image, "@sha256:0000000000000000000000000000000000000000000000000000000000000000")
    error_message = "The image is not named by its digest."
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.this["ingest"].container_definitions)[0].command == ["flask", "--app", "app", "ingest"]
    error_message = "Nobody reads the queue."
  }

  assert {
    condition     = aws_lb_listener.https.protocol == "HTTPS" && aws_lb_listener.https.ssl_policy == "ELBSecurityPolicy-TLS13-1-2-2021-06"
    error_message = "Not by TLS 1.2 or later."
  }

  assert {
    condition     = aws_lb_listener.http.default_action[0].type == "redirect"
    error_message = "Port 80 serves."
  }

  assert {
    condition     = aws_lb.this.drop_invalid_header_fields && aws_lb.this.enable_deletion_protection && aws_lb.this.access_logs[0].enabled
    error_message = "The load balancer is not as it should be."
  }

  assert {
    condition     = aws_lb_target_group.web.health_check[0].path == "/health/live"
    error_message = "A bad minute of S3 would have every task replaced."
  }

  assert {
    condition     = [for rule in aws_vpc_security_group_ingress_rule.callers : rule.cidr_ipv4] == ["203.0.113.0/24", "203.0.113.0/24"]
    error_message = "Others may connect."
  }

  assert {
    condition     = aws_ecr_repository.this[0].image_tag_mutability == "IMMUTABLE" && aws_ecr_repository.this[0].image_scanning_configuration[0].scan_on_push
    error_message = "A tag can move, or nobody scans."
  }
}

run "settings_reach_the_container_and_the_secret_by_reference" {
  command = plan

  module {
    source = "./modules/service"
  }

  variables {
    settings = { MAX_FILE_SIZE = "20971520" }
  }

  assert {
    condition     = { for pair in jsondecode(aws_ecs_task_definition.this["web"].container_definitions)[0].environment : pair.name => pair.value } == output.environment
    error_message = "Other settings."
  }

  assert {
    condition     = output.environment.ENVIRONMENT == "production" && output.environment.ALLOW_ANONYMOUS == "1" && output.environment.MAX_FILE_SIZE == "20971520" && output.environment.PUBLIC_URL == "https://images.example.org"
    error_message = "A setting is missing."
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.this["web"].container_definitions)[0].secrets == [{ name = "SECRET_KEY", valueFrom = var.secret_key_arn }] && !contains(keys(output.environment), "SECRET_KEY")
    error_message = "The key stands in the task definition."
  }

  assert {
    condition     = tonumber(output.environment.UPLOAD_MEMORY) * tonumber(output.environment.WEB_CONCURRENCY) < var.memory * 1048576 / 2
    error_message = "Uploads under way may take all of the memory."
  }

  assert {
    condition     = tonumber(output.environment.GRACEFUL_TIMEOUT) < 30
    error_message = "ECS would kill running requests."
  }
}

run "a_bad_deployment_is_rolled_back" {
  command = plan

  module {
    source = "./modules/service"
  }

  variables {
    rollback_alarm_names = ["images-test-errors"]
  }

  assert {
    condition     = aws_ecs_service.web.deployment_circuit_breaker[0].enable && aws_ecs_service.web.deployment_circuit_breaker[0].rollback
    error_message = "No circuit breaker."
  }

  assert {
    condition     = aws_ecs_service.web.alarms[0].enable && aws_ecs_service.web.alarms[0].rollback
    error_message = "Alarms do not roll back."
  }

  assert {
    condition     = aws_ecs_service.web.deployment_minimum_healthy_percent == 100
    error_message = "A deployment takes capacity away."
  }

  assert {
    condition     = !aws_ecs_service.web.network_configuration[0].assign_public_ip && !aws_ecs_service.ingest.network_configuration[0].assign_public_ip
    error_message = "A task has a public address."
  }
}

run "tasks_are_added_by_cpu_and_by_requests" {
  command = plan

  module {
    source = "./modules/service"
  }

  variables {
    min_tasks = 3
    max_tasks = 9
  }

  assert {
    condition     = aws_appautoscaling_target.web.min_capacity == 3 && aws_appautoscaling_target.web.max_capacity == 9
    error_message = "Other bounds."
  }

  assert {
    condition     = toset([for policy in [aws_appautoscaling_policy.cpu, aws_appautoscaling_policy.requests] : policy.target_tracking_scaling_policy_configuration[0].predefined_metric_specification[0].predefined_metric_type]) == toset(["ECSServiceAverageCPUUtilization", "ALBRequestCountPerTarget"])
    error_message = "Other metrics."
  }
}

run "an_existing_repository_is_used" {
  command = plan

  module {
    source = "./modules/service"
  }

  variables {
    image_repository = { arn = "arn:aws:ecr:eu-west-1:210987654321:repository/team/images" }
  }

  assert {
    condition     = length(aws_ecr_repository.this) == 0 && output.repository_url == "210987654321.dkr.ecr.eu-west-1.amazonaws.com/team/images"
    error_message = "Another repository."
  }
}

run "the_firewall_counts_bodies_and_blocks_the_rest" {
  command = plan

  module {
    source = "./modules/service"
  }

  variables {
    firewall = { requests_per_5_minutes = 500 }
  }

  assert {
    condition     = length(aws_wafv2_web_acl_association.this) == 1 && length(aws_wafv2_web_acl_logging_configuration.this) == 1
    error_message = "Not before the load balancer, or without a log."
  }

  assert {
    condition     = contains([for override in flatten([for rule in aws_wafv2_web_acl.this[0].rule : rule.statement[0].managed_rule_group_statement[0].rule_action_override if rule.name == "AWSManagedRulesCommonRuleSet"]) : override.name], "SizeRestrictions_BODY")
    error_message = "Every upload above 8 kB would be blocked."
  }

  assert {
    condition     = contains([for rule in aws_wafv2_web_acl.this[0].rule : rule.name if try(length(rule.override_action[0].none), 0) == 1], "AWSManagedRulesKnownBadInputsRuleSet")
    error_message = "Log4j lookups pass."
  }
}

run "a_whole_private_network_may_come" {
  command = plan

  module {
    source = "./modules/service"
  }

  variables {
    ingress_cidrs = ["10.0.0.0/8"]
  }

  assert {
    condition     = toset([for rule in aws_vpc_security_group_ingress_rule.callers : rule.cidr_ipv4]) == toset(["10.0.0.0/8"])
    error_message = "The network is not let in."
  }
}

run "refuses_bad_values_1" {
  command = plan

  module {
    source = "./modules/service"
  }

  variables {
    # name of the service with a dot
    name = "images.test"
    # environment in capitals
    environment = "PRODUCTION"
    # repository by url
    image_repository = { arn = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/images" }
    # image by tag
    image_digest = "latest"
    # odd cpu
    cpu = 1000
    # domain with scheme
    domain_name = "https://images.example.org"
    # one subnet
    network = {
      vpc_id                     = "vpc-1"
      public_subnet_ids          = ["subnet-1", "subnet-2"]
      private_subnet_ids         = ["subnet-3"]
      endpoint_security_group_id = "sg-1"
      prefix_list_ids            = { s3 = "pl-1", dynamodb = "pl-2" }
    }
    # prefix list by name
    ingress_prefix_list_ids = ["cloudfront"]
    # auth that the service does not have yet
    auth = "jwt"
  }

  expect_failures = [
    var.name,
    var.environment,
    var.image_repository,
    var.image_digest,
    var.cpu,
    var.domain_name,
    var.network,
    var.ingress_prefix_list_ids,
    var.auth,
  ]
}

run "refuses_bad_values_2" {
  command = plan

  module {
    source = "./modules/service"
  }

  variables {
    # memory that fargate lacks
    memory = 1024
    # one task in production
    min_tasks = 1
    # network by name
    network = {
      vpc_id                     = "images"
      public_subnet_ids          = ["subnet-1", "subnet-2"]
      private_subnet_ids         = ["subnet-3", "subnet-4"]
      endpoint_security_group_id = "sg-1"
      prefix_list_ids            = { s3 = "pl-1", dynamodb = "pl-2" }
    }
    # no cidr
    ingress_cidrs = ["203.0.113.0"]
    # anonymous callers by default
    allow_anonymous = null
  }

  expect_failures = [var.memory, var.min_tasks, var.network, var.ingress_cidrs, var.allow_anonymous]
}

run "refuses_bad_values_3" {
  command = plan

  module {
    source = "./modules/service"
  }

  variables {
    # fewer at most than at least
    max_tasks = 1
    # cpu target above all
    cpu_target = 100
    # too few requests
    requests_target = 1
    # no certificate
    certificate_arn = ""
    # the internet without credentials
    ingress_cidrs = ["0.0.0.0/0"]
    # bucket by arn
    storage = { bucket_name = "arn:aws:s3:::acme-images", log_bucket_name = "acme-images-logs" }
    # table by arn
    table_name = "arn:aws:dynamodb:eu-central-1:123456789012:table/images"
    # task role by name
    task_role_arn = "images-task"
    # execution role by name
    execution_role_arn = "images-execution"
    # the key itself
    secret_key_arn = "0123456789abcdef0123456789abcdef"
    # settings that the module makes
    settings = { S3_BUCKET = "other" }
    # log days that cloudwatch lacks
    log_days = 100
    # empty alarm name
    rollback_alarm_names = [""]
    # firewall that blocks everybody
    firewall = { requests_per_5_minutes = 1 }
  }

  expect_failures = [
    var.max_tasks,
    var.cpu_target,
    var.requests_target,
    var.certificate_arn,
    var.ingress_cidrs,
    var.storage,
    var.table_name,
    var.task_role_arn,
    var.execution_role_arn,
    var.secret_key_arn,
    var.settings,
    var.log_days,
    var.rollback_alarm_names,
    var.firewall,
  ]
}

run "refuses_bad_values_4" {
  command = plan

  module {
    source = "./modules/service"
  }

  variables {
    # nobody may come
    ingress_cidrs = []
    # queue by arn
    storage = { bucket_name = "acme-images", log_bucket_name = "acme-images-logs", queue_url = "arn:aws:sqs:eu-central-1:123456789012:q" }
    # a secret among the settings
    settings = { SECRET_KEY = "0123456789abcdef0123456789abcdef" }
  }

  expect_failures = [var.ingress_cidrs, var.storage, var.settings]
}

run "refuses_bad_values_5" {
  command = plan

  module {
    source = "./modules/service"
  }

  variables {
    # the internet in two halves
    ingress_cidrs = ["0.0.0.0/1", "128.0.0.0/1"]
    # a typing error
    settings = { MAX_FILE_SZIE = "20971520" }
  }

  expect_failures = [var.ingress_cidrs, var.settings]
}

run "refuses_another_database_among_the_settings" {
  command = plan

  module {
    source = "./modules/service"
  }

  variables {
    # another database
    settings = { DYNAMO_ENDPOINT_URL = "http://127.0.0.1:8000" }
  }

  expect_failures = [var.settings]
}

run "refuses_an_emulator_among_the_settings" {
  command = plan

  module {
    source = "./modules/service"
  }

  variables {
    # an emulator
    settings = { USE_LOCALSTACK = "1" }
  }

  expect_failures = [var.settings]
}

run "refuses_a_limit_that_all_callers_share" {
  command = plan

  module {
    source = "./modules/service"
  }

  variables {
    # a limit that all callers share
    settings = { RATE_LIMIT = "100/minute" }
  }

  expect_failures = [var.settings]
}

run "refuses_credentials_among_the_settings" {
  command = plan

  module {
    source = "./modules/service"
  }

  variables {
    # credentials among the settings
    settings = { AWS_SECRET_ACCESS_KEY = "x" }
  }

  expect_failures = [var.settings]
}
