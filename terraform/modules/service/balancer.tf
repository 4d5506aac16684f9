# The load balancer: TLS only; plain HTTP is answered with a redirect.

resource "aws_lb" "this" {
  #checkov:skip=CKV2_AWS_28:A firewall is a choice (var.firewall): a service for trusted networks needs none.
  #checkov:skip=CKV2_AWS_76:The same; the firewall's rules, where it is on, hold Log4j's.
  name                       = var.name
  load_balancer_type         = "application"
  internal                   = false
  subnets                    = var.network.public_subnet_ids
  security_groups            = [aws_security_group.balancer.id]
  drop_invalid_header_fields = true
  desync_mitigation_mode     = "strictest"
  enable_deletion_protection = var.deletion_protection
  idle_timeout               = 60 # below the 75 s that the service keeps connections: it never closes one that is in use

  access_logs {
    enabled = true
    bucket  = var.storage.log_bucket_name
    prefix  = "alb"
  }
}

resource "aws_lb_target_group" "web" {
  #checkov:skip=CKV_AWS_378:TLS ends at the load balancer; the way to the task is inside the network and open to it alone.
  name                 = "${var.name}-web"
  vpc_id               = var.network.vpc_id
  target_type          = "ip"
  port                 = local.port
  protocol             = "HTTP"
  deregistration_delay = local.stop_seconds

  # Not /health/ready: ECS replaces what is unhealthy here, and when S3 does not answer that is every task at once.
  health_check {
    path                = "/health/live"
    matcher             = "200"
    interval            = 15
    timeout             = 10
    healthy_threshold   = 2
    unhealthy_threshold = 3
  }
}

resource "aws_lb_listener" "https" {
  load_balancer_arn = aws_lb.this.arn
  port              = 443
  protocol          = "HTTPS"
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = var.certificate_arn

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.web.arn
  }
}

resource "aws_lb_listener" "http" {
  load_balancer_arn = aws_lb.this.arn
  port              = 80
  protocol          = "HTTP"

  default_action {
    type = "redirect"

    redirect {
      protocol    = "HTTPS"
      port        = "443"
      status_code = "HTTP_301"
    }
  }
}
