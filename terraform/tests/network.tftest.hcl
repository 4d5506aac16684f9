mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  name               = "images-test"
  availability_zones = ["eu-central-1a", "eu-central-1b"]
  bucket_arn         = "arn:aws:s3:::acme-images"
  table_arn          = "arn:aws:dynamodb:eu-central-1:123456789012:table/images-test"
}

override_resource {
  target          = aws_route_table.public
  override_during = plan
  values          = { id = "rtb-public" }
}

override_resource {
  target          = aws_route_table.private
  override_during = plan
  values          = { id = "rtb-private" }
}

run "as_it_comes" {
  command = plan

  module {
    source = "./modules/network"
  }

  assert {
    condition     = length(aws_subnet.public) == 2 && length(aws_subnet.private) == 2
    error_message = "Not two subnets of each kind."
  }

  assert {
    condition     = length(distinct([for subnet in concat(values(aws_subnet.public), values(aws_subnet.private)) : subnet.cidr_block])) == 4
    error_message = "Subnets overlap."
  }

  assert {
    condition     = alltrue([for subnet in concat(values(aws_subnet.public), values(aws_subnet.private)) : !subnet.map_public_ip_on_launch])
    error_message = "Something gets a public address by itself."
  }

  assert {
    condition     = aws_route.internet.route_table_id == aws_route_table.public.id && aws_route_table.private.id != aws_route_table.public.id
    error_message = "The private subnets have a way to the internet."
  }

  assert {
    condition     = aws_vpc_endpoint.s3.vpc_endpoint_type == "Gateway" && aws_vpc_endpoint.dynamodb.vpc_endpoint_type == "Gateway"
    error_message = "Not by gateways."
  }

  assert {
    condition     = jsondecode(aws_vpc_endpoint.s3.policy).Statement[0].Resource == ["arn:aws:s3:::acme-images", "arn:aws:s3:::acme-images/*"]
    error_message = "Other buckets can be reached."
  }

  assert {
    condition     = jsondecode(aws_vpc_endpoint.dynamodb.policy).Statement[0].Resource[0] == "arn:aws:dynamodb:eu-central-1:123456789012:table/images-test"
    error_message = "Other tables can be reached."
  }

  assert {
    condition     = toset(keys(aws_vpc_endpoint.interface)) == toset(["ecr.api", "ecr.dkr", "logs", "secretsmanager", "sqs"])
    error_message = "A task could not start."
  }
}

run "connections_are_logged" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    flow_log_days = 90
  }

  assert {
    condition     = aws_flow_log.this.traffic_type == "ALL" && aws_cloudwatch_log_group.flow.retention_in_days == 90
    error_message = "Not logged, or not for as long."
  }
}

run "refuses_bad_values_1" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    # name of the network too long
    name = "images-production-in-frankfurt"
    # public network
    cidr = "8.8.0.0/16"
    # one zone
    availability_zones = ["eu-central-1a"]
    # way to every bucket
    bucket_arn = "*"
    # way to every table
    table_arn = "*"
    # flow logs for ten days
    flow_log_days = 10
  }

  expect_failures = [
    var.name,
    var.cidr,
    var.availability_zones,
    var.bucket_arn,
    var.table_arn,
    var.flow_log_days,
  ]
}

run "refuses_bad_values_2" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    # network too small
    cidr = "10.20.0.0/24"
    # the same zone twice
    availability_zones = ["eu-central-1a", "eu-central-1a"]
  }

  expect_failures = [var.cidr, var.availability_zones]
}

run "refuses_bad_values_3" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    # network not by its first address
    cidr = "10.20.0.5/16"
    # region instead of zones
    availability_zones = ["eu-central-1", "eu-west-1"]
  }

  expect_failures = [var.cidr, var.availability_zones]
}

run "refuses_no_network" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    # no network
    cidr = "10.20.0.0"
  }

  expect_failures = [var.cidr]
}
