mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  name          = "images-test"
  balancer      = { arn_suffix = "app/images-test/0123456789abcdef", target_group = "targetgroup/images-test-web/0123456789abcdef" }
  cluster_name  = "images-test"
  service_names = { web = "images-test-web", ingest = "images-test-ingest" }
  table_name    = "images-test"
  queues        = { arrivals = "acme-images-arrivals", dead_letters = "acme-images-arrivals-dead" }
}

run "alarms_reach_somebody" {
  command = plan

  module {
    source = "./modules/observation"
  }

  variables {
    emails = ["on-call@example.org"]
  }

  assert {
    condition     = aws_sns_topic_subscription.email["on-call@example.org"].protocol == "email"
    error_message = "Nobody hears."
  }

  assert {
    condition     = alltrue([for alarm in concat([aws_cloudwatch_metric_alarm.errors, aws_cloudwatch_metric_alarm.latency, aws_cloudwatch_metric_alarm.unhealthy, aws_cloudwatch_metric_alarm.nobody], values(aws_cloudwatch_metric_alarm.throttles), aws_cloudwatch_metric_alarm.dead_letters, aws_cloudwatch_metric_alarm.arrivals) : contains(alarm.alarm_actions, aws_sns_topic.alarms.arn) && length(alarm.alarm_description) > 30])
    error_message = "An alarm tells nobody, or does not say what to do."
  }

  assert {
    condition     = length(output.alarm_names) == 8
    error_message = "An alarm is missing."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.nobody.treat_missing_data == "breaching"
    error_message = "Silence passes for health."
  }

  assert {
    condition     = length(jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets) == 9
    error_message = "A chart is missing."
  }
}

run "without_queues_nothing_watches_them" {
  command = plan

  module {
    source = "./modules/observation"
  }

  variables {
    queues = null
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.dead_letters) == 0 && length(jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets) == 8
    error_message = "Charts or alarms of nothing."
  }
}

run "refuses_bad_values_1" {
  command = plan

  module {
    source = "./modules/observation"
  }

  variables {
    # name of alarms with a space
    name = "images test"
    # balancer by arn
    balancer = { arn_suffix = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/a/b", target_group = "targetgroup/a/b" }
    # cluster by arn
    cluster_name = "arn:aws:ecs:eu-central-1:123456789012:cluster/a"
    # service by arn
    service_names = { web = "arn:aws:ecs:eu-central-1:123456789012:service/a/b", ingest = "b" }
    # table to watch too short
    table_name = "a"
    # queues by url
    queues = { arrivals = "https://sqs.eu-central-1.amazonaws.com/1/a", dead_letters = "b" }
    # no email
    emails = ["on-call"]
    # topic by name
    topic_arns = ["alarms"]
    # latency of nothing
    latency_seconds = 0
    # all errors and more
    errors_percent = 101
  }

  expect_failures = [
    var.name,
    var.balancer,
    var.cluster_name,
    var.service_names,
    var.table_name,
    var.queues,
    var.emails,
    var.topic_arns,
    var.latency_seconds,
    var.errors_percent,
  ]
}
