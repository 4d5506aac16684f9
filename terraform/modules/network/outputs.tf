output "vpc_id" {
  description = "The network."
  value       = aws_vpc.this.id
}

output "public_subnet_ids" {
  description = "Subnets for the load balancer."
  value       = [for zone in var.availability_zones : aws_subnet.public[zone].id]
  depends_on  = [aws_route.internet]
}

output "private_subnet_ids" {
  description = "Subnets for the tasks."
  value       = [for zone in var.availability_zones : aws_subnet.private[zone].id]
  depends_on  = [aws_vpc_endpoint.interface, aws_route_table_association.private] # else a task could not pull its image
}

output "endpoint_security_group_id" {
  description = "Security group of the interface endpoints, which tasks may call."
  value       = aws_security_group.endpoints.id
}

output "prefix_list_ids" {
  description = "Prefix lists of S3 and DynamoDB, which tasks may call."
  value       = { s3 = aws_vpc_endpoint.s3.prefix_list_id, dynamodb = aws_vpc_endpoint.dynamodb.prefix_list_id }
}
