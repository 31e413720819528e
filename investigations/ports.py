"""What a well-known port is called, in the words of an analyst."""

from __future__ import annotations

PORT_NAMES = {
    20: "FTP data",
    21: "FTP",
    22: "SSH",
    23: "Telnet",
    25: "SMTP",
    53: "DNS",
    69: "TFTP",
    80: "HTTP",
    88: "Kerberos",
    110: "POP3",
    111: "RPC",
    123: "NTP",
    135: "MSRPC",
    139: "NetBIOS",
    143: "IMAP",
    161: "SNMP",
    389: "LDAP",
    443: "HTTPS",
    445: "SMB",
    465: "SMTPS",
    502: "Modbus",
    514: "syslog",
    554: "RTSP",
    587: "submission",
    623: "IPMI",
    636: "LDAPS",
    873: "rsync",
    993: "IMAPS",
    995: "POP3S",
    1080: "SOCKS",
    1433: "MSSQL",
    1521: "Oracle",
    1723: "PPTP",
    1883: "MQTT",
    1900: "SSDP",
    2049: "NFS",
    2323: "Telnet",
    2375: "Docker",
    3128: "proxy",
    3306: "MySQL",
    3389: "RDP",
    4840: "OPC UA",
    5060: "SIP",
    5432: "PostgreSQL",
    5555: "ADB",
    5601: "Kibana",
    5900: "VNC",
    5985: "WinRM",
    6379: "Redis",
    6443: "Kubernetes",
    7547: "TR-069",
    8080: "HTTP",
    8443: "HTTPS",
    9200: "Elasticsearch",
    11211: "memcached",
    20000: "DNP3",
    27017: "MongoDB",
    44818: "EtherNet/IP",
    47808: "BACnet",
}


def port_name(port: int) -> str:
    """`SSH` for 22; the bare number for a port without a common name."""
    return PORT_NAMES.get(port, str(port))


def port_label(port: int) -> str:
    """`22 SSH`, for a table or an axis."""
    return f"{port} {PORT_NAMES[port]}" if port in PORT_NAMES else str(port)
