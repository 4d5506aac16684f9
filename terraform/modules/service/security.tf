# Who may connect to whom: callers to the load balancer, it to the tasks, these to the endpoints of AWS. Nothing else.

resource "aws_security_group" "balancer" {
  name        = "${var.name}-balancer"
  description = "Load balancer: HTTPS from callers"
  vpc_id      = var.network.vpc_id
}

resource "aws_security_group" "tasks" {
  name        = "${var.name}-tasks"
  description = "Tasks: from the load balancer only"
  vpc_id      = var.network.vpc_id
}

locals {
  ports    = { https = 443, http = 80 }
  callers  = merge({ for cidr in var.ingress_cidrs : cidr => "cidr" }, { for id in var.ingress_prefix_list_ids : id => "list" })
  ingress  = { for pair in setproduct(keys(local.ports), keys(local.callers)) : join(" ", pair) => { port = local.ports[pair[0]], from = pair[1] } }
  services = { s3 = "S3", dynamodb = "DynamoDB" }
}

resource "aws_vpc_security_group_ingress_rule" "callers" {
  #checkov:skip=CKV_AWS_260:Port 80 answers with a redirect to HTTPS and nothing else.
  for_each          = local.ingress
  security_group_id = aws_security_group.balancer.id
  description       = "${each.value.port == 443 ? "HTTPS" : "HTTP, answered with a redirect,"} from ${each.value.from}"
  cidr_ipv4         = local.callers[each.value.from] == "cidr" ? each.value.from : null
  prefix_list_id    = local.callers[each.value.from] == "list" ? each.value.from : null
  from_port         = each.value.port
  to_port           = each.value.port
  ip_protocol       = "tcp"
}

resource "aws_vpc_security_group_egress_rule" "balancer_to_tasks" {
  security_group_id            = aws_security_group.balancer.id
  description                  = "To the tasks"
  referenced_security_group_id = aws_security_group.tasks.id
  from_port                    = local.port
  to_port                      = local.port
  ip_protocol                  = "tcp"
}

resource "aws_vpc_security_group_ingress_rule" "tasks_from_balancer" {
  security_group_id            = aws_security_group.tasks.id
  description                  = "From the load balancer"
  referenced_security_group_id = aws_security_group.balancer.id
  from_port                    = local.port
  to_port                      = local.port
  ip_protocol                  = "tcp"
}

resource "aws_vpc_security_group_egress_rule" "tasks_to_endpoints" {
  security_group_id            = aws_security_group.tasks.id
  description                  = "To the interface endpoints"
  referenced_security_group_id = var.network.endpoint_security_group_id
  from_port                    = 443
  to_port                      = 443
  ip_protocol                  = "tcp"
}

resource "aws_vpc_security_group_egress_rule" "tasks_to_gateways" {
  for_each          = local.services
  security_group_id = aws_security_group.tasks.id
  description       = "To ${each.value}"
  prefix_list_id    = var.network.prefix_list_ids[each.key]
  from_port         = 443
  to_port           = 443
  ip_protocol       = "tcp"
}
