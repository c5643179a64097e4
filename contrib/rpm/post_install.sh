# The user, from /usr/lib/sysusers.d/dmarcstat.conf.
systemd-sysusers dmarcstat.conf
if [ "$1" = 1 ]; then
    install -d -m 0700 -o dmarcstat -g dmarcstat /var/lib/dmarcstat
    chown root:dmarcstat /etc/dmarcstat /etc/dmarcstat/config.toml
    chmod 0750 /etc/dmarcstat
    chmod 0640 /etc/dmarcstat/config.toml
    echo "dmarcstat: edit /etc/dmarcstat/config.toml, try it with 'sudo -u dmarcstat dmarcstat check', then: systemctl enable --now dmarcstat.timer"
fi
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    # A timer that was on goes on with the new version.
    if systemctl --quiet is-enabled dmarcstat.timer 2>/dev/null; then
        systemctl restart dmarcstat.timer
    fi
fi
