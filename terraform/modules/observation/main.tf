# Alarms and one dashboard. Each alarm's description says what to look at first.

data "aws_region" "current" {}

locals {
  region  = data.aws_region.current.name
  notify  = concat([aws_sns_topic.alarms.arn], var.topic_arns)
  balance = { LoadBalancer = var.balancer.arn_suffix }
  targets = { LoadBalancer = var.balancer.arn_suffix, TargetGroup = var.balancer.target_group }
}

resource "aws_sns_topic" "alarms" {
  #checkov:skip=CKV_AWS_26:CloudWatch can not publish under SNS' own key, and a message holds names and numbers of metrics only.
  name = "${var.name}-alarms"
}

resource "aws_sns_topic_subscription" "email" {
  for_each  = toset(var.emails)
  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = each.value
}

# A share, not a number: ten errors are an incident at night and nothing at noon. Few requests do not count at all.
resource "aws_cloudwatch_metric_alarm" "errors" {
  alarm_name          = "${var.name}-errors"
  alarm_description   = "More than ${var.errors_percent} % of the answers are 5xx. Look at the log group of web for level ERROR."
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.errors_percent
  evaluation_periods  = 5
  datapoints_to_alarm = 3
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.notify
  ok_actions          = local.notify

  metric_query {
    id          = "share"
    label       = "5xx in percent"
    expression  = "IF(FILL(requests, 0) >= 20, 100 * (FILL(ours, 0) + FILL(balancer, 0)) / FILL(requests, 0), 0)"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = { requests = "RequestCount", ours = "HTTPCode_Target_5XX_Count", balancer = "HTTPCode_ELB_5XX_Count" }

    content {
      id          = metric_query.key
      return_data = false

      metric {
        namespace   = "AWS/ApplicationELB"
        metric_name = metric_query.value
        dimensions  = local.balance
        period      = 60
        stat        = "Sum"
      }
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "latency" {
  alarm_name          = "${var.name}-latency"
  alarm_description   = "One answer in twenty takes over ${var.latency_seconds} s. Look at CPU, at throttling, then at S3's own latency."
  namespace           = "AWS/ApplicationELB"
  metric_name         = "TargetResponseTime"
  dimensions          = local.targets
  extended_statistic  = "p95"
  period              = 60
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.latency_seconds
  evaluation_periods  = 5
  datapoints_to_alarm = 3
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.notify
  ok_actions          = local.notify

  evaluate_low_sample_count_percentiles = "ignore"
}

resource "aws_cloudwatch_metric_alarm" "unhealthy" {
  alarm_name          = "${var.name}-unhealthy"
  alarm_description   = "A task does not answer /health/live with 200: its process hangs or is gone. ECS replaces it; look at the stopped tasks and at the log."
  namespace           = "AWS/ApplicationELB"
  metric_name         = "UnHealthyHostCount"
  dimensions          = local.targets
  statistic           = "Maximum"
  period              = 60
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  evaluation_periods  = 3
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.notify
  ok_actions          = local.notify
}

resource "aws_cloudwatch_metric_alarm" "nobody" {
  alarm_name          = "${var.name}-nobody"
  alarm_description   = "No healthy task: the service is down. Look at the events of the ECS service web."
  namespace           = "AWS/ApplicationELB"
  metric_name         = "HealthyHostCount"
  dimensions          = local.targets
  statistic           = "Maximum"
  period              = 60
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  evaluation_periods  = 2
  treat_missing_data  = "breaching"
  alarm_actions       = local.notify
  ok_actions          = local.notify
}

resource "aws_cloudwatch_metric_alarm" "throttles" {
  for_each            = { reads = "ReadThrottleEvents", writes = "WriteThrottleEvents" }
  alarm_name          = "${var.name}-throttled-${each.key}"
  alarm_description   = "DynamoDB throttles ${each.key} of ${var.table_name}. One owner or tag may be hot: look at CloudWatch contributor insights."
  namespace           = "AWS/DynamoDB"
  metric_name         = each.value
  dimensions          = { TableName = var.table_name }
  statistic           = "Sum"
  period              = 60
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  evaluation_periods  = 5
  datapoints_to_alarm = 3
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.notify
  ok_actions          = local.notify
}

resource "aws_cloudwatch_metric_alarm" "dead_letters" {
  count               = var.queues == null ? 0 : 1
  alarm_name          = "${var.name}-dead-letters"
  alarm_description   = "A notification could not be dealt with. Read it in ${var.queues.dead_letters}, repair the cause, then redrive."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = var.queues.dead_letters }
  statistic           = "Maximum"
  period              = 300
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.notify
  ok_actions          = local.notify
}

resource "aws_cloudwatch_metric_alarm" "arrivals" {
  count               = var.queues == null ? 0 : 1
  alarm_name          = "${var.name}-arrivals-wait"
  alarm_description   = "A direct upload waits for over 10 minutes. Look whether the ECS service ingest runs, then at its log."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateAgeOfOldestMessage"
  dimensions          = { QueueName = var.queues.arrivals }
  statistic           = "Maximum"
  period              = 300
  comparison_operator = "GreaterThanThreshold"
  threshold           = 600
  evaluation_periods  = 2
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.notify
  ok_actions          = local.notify
}
