locals {
  elb = "AWS/ApplicationELB"
  ecs = "AWS/ECS"
  lb  = ["LoadBalancer", var.balancer.arn_suffix]
  tg  = ["TargetGroup", var.balancer.target_group, "LoadBalancer", var.balancer.arn_suffix]

  queue_metrics = var.queues == null ? [] : [
    ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", var.queues.arrivals],
    ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", var.queues.dead_letters],
    ["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", var.queues.arrivals],
  ]

  charts = [
    { title = "Requests", stat = "Sum", metrics = [concat([local.elb, "RequestCount"], local.lb)] },
    { title = "Answers by status", stat = "Sum", metrics = [for status in ["2XX", "3XX", "4XX", "5XX"] : concat([local.elb, "HTTPCode_Target_${status}_Count"], local.lb)] },
    { title = "Errors of the load balancer", stat = "Sum", metrics = [concat([local.elb, "HTTPCode_ELB_5XX_Count"], local.lb)] },
    { title = "Seconds to answer, p95", stat = "p95", metrics = [concat([local.elb, "TargetResponseTime"], local.tg)] },
    { title = "Healthy and unhealthy tasks", stat = "Maximum", metrics = [for metric in ["HealthyHostCount", "UnHealthyHostCount"] : concat([local.elb, metric], local.tg)] },
    { title = "CPU and memory, percent", stat = "Average", metrics = [for pair in setproduct(["CPUUtilization", "MemoryUtilization"], values(var.service_names)) : [local.ecs, pair[0], "ClusterName", var.cluster_name, "ServiceName", pair[1]]] },
    { title = "DynamoDB capacity", stat = "Sum", metrics = [for metric in ["ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits"] : ["AWS/DynamoDB", metric, "TableName", var.table_name]] },
    { title = "DynamoDB throttles", stat = "Sum", metrics = [for metric in ["ReadThrottleEvents", "WriteThrottleEvents"] : ["AWS/DynamoDB", metric, "TableName", var.table_name]] },
    { title = "Direct uploads waiting, and dead letters", stat = "Maximum", metrics = local.queue_metrics },
  ]
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name

  dashboard_body = jsonencode({
    widgets = [for place, chart in [for chart in local.charts : chart if length(chart.metrics) > 0] : {
      type   = "metric"
      x      = 8 * (place % 3)
      y      = 6 * floor(place / 3)
      width  = 8
      height = 6
      properties = {
        title   = chart.title
        region  = local.region
        view    = "timeSeries"
        stat    = chart.stat
        period  = 60
        metrics = chart.metrics
      }
    }]
  })
}
