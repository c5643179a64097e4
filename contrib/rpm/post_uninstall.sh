if [ "$1" = 0 ] && [ -e /var/lib/dmarcstat/reports.db ]; then
    echo "dmarcstat: the reports stay in /var/lib/dmarcstat; delete that folder if you do not need them"
fi
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload || :
fi
