output "alarm_names" {
  description = "Every alarm."
  value = concat(
    [for alarm in concat([aws_cloudwatch_metric_alarm.errors, aws_cloudwatch_metric_alarm.latency, aws_cloudwatch_metric_alarm.unhealthy, aws_cloudwatch_metric_alarm.nobody], aws_cloudwatch_metric_alarm.dead_letters, aws_cloudwatch_metric_alarm.arrivals) : alarm.alarm_name],
    [for alarm in aws_cloudwatch_metric_alarm.throttles : alarm.alarm_name],
  )
}

# Not unhealthy and nobody: while a deployment replaces tasks both may go off for a moment, and the circuit breaker sees
# tasks that do not become healthy anyway.
output "rollback_alarm_names" {
  description = "Alarms that roll a deployment back."
  value       = [aws_cloudwatch_metric_alarm.errors.alarm_name, aws_cloudwatch_metric_alarm.latency.alarm_name]
}

output "topic_arn" {
  description = "The topic that alarms are sent to."
  value       = aws_sns_topic.alarms.arn
}
