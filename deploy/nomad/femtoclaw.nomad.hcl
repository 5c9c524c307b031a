# FemtoClaw as a Nomad job: the launcher is in the image, the generations are on a volume of each allocation.
#
# Checked by `cargo xtask deploy`: that it is HCL2 (python-hcl2), and that it holds what docs/deployment.md relies on. Not checked:
# `nomad job validate` and a cluster, since Nomad itself is in no registry that this project builds from.

job "femtoclaw" {
  type        = "service"
  datacenters = ["*"]

  group "femtoclaw" {
    count = 3

    # One allocation at a time, and no further one unless it is healthy. Going back is the launcher's: Nomad would start the old
    # image on a home that is of the new generation.
    update {
      max_parallel      = 1
      canary            = 0
      auto_revert       = false
      health_check      = "checks"
      min_healthy_time  = "30s"
      healthy_deadline  = "10m"
      progress_deadline = "15m"
    }

    # Above the number of tries of a generation on trial (3), then no more: exit codes 6 and 8 need a person.
    restart {
      attempts = 5
      interval = "5m"
      delay    = "5s"
      mode     = "fail"
    }

    # A home stays where its volume is.
    reschedule {
      attempts  = 0
      unlimited = false
    }

    # A home has one runtime. per_alloc gives femtoclaw-home[0], [1], … and rules out canaries.
    volume "home" {
      type            = "csi"
      source          = "femtoclaw-home"
      access_mode     = "single-node-writer"
      attachment_mode = "file-system"
      per_alloc       = true
    }

    network {
      port "http" {
        to = 8080
      }
    }

    service {
      name     = "femtoclaw"
      port     = "http"
      provider = "nomad"

      check {
        name     = "healthy"
        type     = "http"
        path     = "/healthz"
        interval = "5s"
        timeout  = "2s"
      }
    }

    # Before the launcher: an upgrade, if there is one and somebody has allowed it.
    task "upgrade" {
      driver = "docker"

      lifecycle {
        hook    = "prestart"
        sidecar = false
      }

      config {
        image           = "femtoclaw:2.1.0"
        entrypoint      = ["/bin/sh", "/local/upgrade.sh"]
        readonly_rootfs = true
        cap_drop        = ["all"]
      }

      volume_mount {
        volume      = "home"
        destination = "/var/lib/femtoclaw"
      }

      env {
        FEMTOCLAW_HOME = "/var/lib/femtoclaw/home"
        RELEASE        = "/usr/share/femtoclaw/femtoclaw-2.1.0.tar"
      }

      # An authorisation for each allocation, by its index, as a Nomad variable; nothing is done without one.
      template {
        destination = "local/authorization.json"
        data        = <<-EOT
        {{- with nomadVar (printf "femtoclaw/authorizations/%s" (env "NOMAD_ALLOC_INDEX")) }}{{ .statement }}{{ end -}}
        EOT
      }

      template {
        destination = "local/authorization.json.sig"
        data        = <<-EOT
        {{- with nomadVar (printf "femtoclaw/authorizations/%s" (env "NOMAD_ALLOC_INDEX")) }}{{ .signatures }}{{ end -}}
        EOT
      }

      template {
        destination = "local/upgrade.sh"
        perms       = "0755"
        data        = <<-EOT
        #!/bin/sh
        set -u
        if [ ! -s /local/authorization.json ]; then echo "no authorisation: nothing to do" >&2; exit 0; fi
        femtoclaw-upgrade plan --check --release "$RELEASE"
        code=$?
        if [ "$code" = 2 ]; then
          femtoclaw-upgrade apply --yes --lock-timeout 60 --release "$RELEASE" --authorization /local/authorization.json
          code=$?
        fi
        # What leaves the home as it was lets it start as it is; what a person has to look at does not.
        case "$code" in
          0 | 1 | 3 | 5 | 7) exit 0 ;;
          *) exit "$code" ;;
        esac
        EOT
      }

      resources {
        cpu    = 500
        memory = 1024
      }
    }

    task "femtoclaw" {
      driver = "docker"

      # Above --stop-timeout of the launcher: a clean stop gives the try of a trial back.
      kill_timeout = "60s"
      kill_signal  = "SIGTERM"

      config {
        image           = "femtoclaw:2.1.0"
        ports           = ["http"]
        readonly_rootfs = true
        cap_drop        = ["all"]
        args = [
          "--health-command", "test -f /alloc/ready",
          "--health-timeout", "90",
          "--stop-timeout", "30",
          "--lock-timeout", "60",
          "--yes",
          "--",
          "serve", "--config", "{configuration}", "--ready-file", "/alloc/ready",
        ]
      }

      volume_mount {
        volume      = "home"
        destination = "/var/lib/femtoclaw"
      }

      env {
        FEMTOCLAW_HOME = "/var/lib/femtoclaw/home"
      }

      resources {
        cpu    = 500
        memory = 1024
      }
    }
  }
}
