# The service on ECS Fargate: `web` behind the load balancer, `ingest` beside it, both from one image.

data "aws_region" "current" {}

locals {
  region  = data.aws_region.current.name
  port    = 5000
  workers = max(1, floor(var.cpu / 1024))
  # Two fifths of the memory for bodies under way; the rest is the workers' own, and a part in flight is held once more
  # while it is sent.
  upload_memory = floor(var.memory * 2 / 5 / local.workers) * 1024 * 1024

  environment = merge(
    {
      ENVIRONMENT      = var.environment
      HOST             = "0.0.0.0"
      PORT             = tostring(local.port)
      PUBLIC_URL       = "https://${var.domain_name}"
      AWS_REGION       = local.region
      S3_BUCKET        = var.storage.bucket_name
      DYNAMO_TABLE     = var.table_name
      AUTH             = var.auth
      WEB_CONCURRENCY  = tostring(local.workers)
      UPLOAD_MEMORY    = tostring(local.upload_memory)
      GRACEFUL_TIMEOUT = tostring(local.stop_seconds - 5)
    },
    var.storage.queue_url == null ? {} : { INGEST_QUEUE_URL = var.storage.queue_url },
    var.allow_anonymous ? { ALLOW_ANONYMOUS = "1" } : {},
    var.settings,
  )

  stop_seconds = 30 # from SIGTERM to SIGKILL; the service ends its requests 5 s earlier

  container = {
    image                  = "${local.repository_url}@${var.image_digest}"
    essential              = true
    user                   = "10001:10001"
    privileged             = false
    readonlyRootFilesystem = true
    stopTimeout            = local.stop_seconds
    environment            = [for name in sort(keys(local.environment)) : { name = name, value = local.environment[name] }]
    secrets                = [{ name = "SECRET_KEY", valueFrom = var.secret_key_arn }]
    linuxParameters        = { capabilities = { drop = ["ALL"] } }
  }

  logged_to = { for part, group in aws_cloudwatch_log_group.this : part => {
    logDriver = "awslogs"
    options = {
      awslogs-group         = group.name
      awslogs-region        = local.region
      awslogs-stream-prefix = part
      mode                  = "non-blocking" # a log that does not answer must not stop uploads
      max-buffer-size       = "25m"
    }
  } }

  containers = {
    web = merge(local.container, {
      name             = "web"
      logConfiguration = local.logged_to["web"]
      portMappings     = [{ containerPort = local.port, hostPort = local.port, protocol = "tcp" }]
      # Once more what the Dockerfile says: ECS does not read its HEALTHCHECK.
      healthCheck = { command = ["CMD", "python", "-m", "scripts.healthcheck"], interval = 10, timeout = 5, retries = 3, startPeriod = 30 }
    })
    ingest = merge(local.container, {
      name             = "ingest"
      logConfiguration = local.logged_to["ingest"]
      command          = ["flask", "--app", "app", "ingest"]
    })
  }
}

resource "aws_cloudwatch_log_group" "this" {
  #checkov:skip=CKV_AWS_158:Encrypted with the key that CloudWatch Logs keeps; the service writes no credentials or signatures to its log.
  #checkov:skip=CKV_AWS_338:How long is var.log_days, a year unless somebody writes less.
  for_each          = toset(["web", "ingest"])
  name              = "/${var.name}/${each.key}"
  retention_in_days = var.log_days
}

resource "aws_ecs_cluster" "this" {
  name = var.name

  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

resource "aws_ecs_task_definition" "this" {
  for_each                 = local.containers
  family                   = "${var.name}-${each.key}"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = each.key == "web" ? var.cpu : 256
  memory                   = each.key == "web" ? var.memory : 1024
  task_role_arn            = var.task_role_arn
  execution_role_arn       = var.execution_role_arn
  container_definitions    = jsonencode([each.value])
  skip_destroy             = true # a rollback needs the former revision

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = "X86_64"
  }
}

resource "aws_ecs_service" "web" {
  name                              = "${var.name}-web"
  cluster                           = aws_ecs_cluster.this.id
  task_definition                   = aws_ecs_task_definition.this["web"].arn
  launch_type                       = "FARGATE"
  desired_count                     = var.min_tasks
  health_check_grace_period_seconds = 60
  propagate_tags                    = "SERVICE"

  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  alarms {
    enable      = length(var.rollback_alarm_names) > 0
    rollback    = length(var.rollback_alarm_names) > 0
    alarm_names = var.rollback_alarm_names
  }

  network_configuration {
    subnets          = var.network.private_subnet_ids
    security_groups  = [aws_security_group.tasks.id]
    assign_public_ip = false
  }

  load_balancer {
    target_group_arn = aws_lb_target_group.web.arn
    container_name   = "web"
    container_port   = local.port
  }

  lifecycle {
    ignore_changes = [task_definition, desired_count] # the pipeline's and the autoscaler's
  }

  depends_on = [aws_lb_listener.https]
}

# One reader: notifications come twice at times anyway, and the sweep of expired uploads needs no second one.
resource "aws_ecs_service" "ingest" {
  name            = "${var.name}-ingest"
  cluster         = aws_ecs_cluster.this.id
  task_definition = aws_ecs_task_definition.this["ingest"].arn
  launch_type     = "FARGATE"
  desired_count   = 1
  propagate_tags  = "SERVICE"

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = var.network.private_subnet_ids
    security_groups  = [aws_security_group.tasks.id]
    assign_public_ip = false
  }

  lifecycle {
    # The pipeline's, and the operator's: while the table is restored there are to be 0, also through an apply.
    ignore_changes = [task_definition, desired_count]
  }
}
