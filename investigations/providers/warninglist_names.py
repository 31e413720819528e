"""Which of the MISP warning lists are used, and whom their addresses belong to.

Chosen by hand, because the first table can dismiss an alert: a new list counts once it has been read and named here.
"""

from __future__ import annotations

# Operators that scan the Internet openly, on their own account
SCANNERS = {
    "alphastrike-research-nt-scanning": "Alpha Strike Labs",
    "alphastrike-scanning": "Alpha Strike Labs",
    "bufferover-nt-scanning": "BufferOver",
    "censys-scanning": "Censys",
    "circl-security-scanning": "CIRCL",
    "circl-ssh-scanning": "CIRCL",
    "coalition-signals-intelligence-nt-scanning": "Coalition",
    "cybergreen-nt-scanning": "CyberGreen",
    "cyberresilience-nt-scanning": "CyberResilience",
    "cypex-nt-scanning": "Cypex",
    "f6-nt-scanning": "F6",
    "googlebot": "Googlebot",
    "internet-census-nt-scanning": "Internet Census Group",
    "internetcleanup-scanner": "Internet Cleanup Foundation",
    "intrinsec-nt-scanning": "Intrinsec",
    "ipinfo-nt-scanning": "IPinfo",
    "ipip-nt-scanning": "IPIP.net",
    "modat-nt-scanning": "Modat",
    "modat-scanner": "Modat",
    "netsecscan-nt-scanning": "NetSecScan",
    "netsecscan-scanning": "NetSecScan",
    "onyphe-nt-scanning": "ONYPHE",
    "onyphe-scanner": "ONYPHE",
    "openai-gptbot": "GPTBot",
    "probethenet-nt-scanning": "ProbeTheNet",
    "rapid7-nt-scanning": "Rapid7",
    "research-scanner-nt-scanning": "Research Scanner",
    "shadowforce-nt-scanning": "Shadowforce",
    "shadowforce-scanning": "Shadowforce",
    "shadowserver": "Shadowserver",
    "shadowserver-nt-scanning": "Shadowserver",
    "shodan-nt-scanning": "Shodan",
    "shodan-scanning": "Shodan",
    "skipa-nt-scanning": "Skipa",
    "stretchoid-nt-scanning": "Stretchoid",
}

# Scanners for hire: the operator is known, but anybody may have sent them, an attacker too
RENTED_SCANNERS = {
    "check-host-net": "check-host.net, a scanner that anybody may send",
    "palo-alto-networks-cortex-cloud": "Palo Alto Cortex Cloud, a scanner for hire",
    "tenable-cloud-ipv4": "Tenable Cloud, a scanner for hire",
    "tenable-cloud-ipv6": "Tenable Cloud, a scanner for hire",
}

# Whose network it is; says nothing about who uses it
SERVICES = RENTED_SCANNERS | {
    "akamai": "Akamai",
    "amazon-aws": "Amazon AWS",
    "apple": "Apple",
    "cloudflare": "Cloudflare",
    "fastly": "Fastly",
    "github": "GitHub",
    "google-gcp": "Google Cloud",
    "google-gmail-sending-ips": "Gmail",
    "microsoft-azure": "Microsoft Azure",
    "microsoft-azure-china": "Microsoft Azure China",
    "microsoft-azure-germany": "Microsoft Azure Germany",
    "microsoft-azure-us-gov": "Microsoft Azure US Government",
    "microsoft-office365-cn": "Microsoft 365 China",
    "microsoft-office365-ip": "Microsoft 365",
    "ovh-cluster": "OVH web hosting",
    "public-dns-v4": "public DNS resolver",
    "public-dns-v6": "public DNS resolver",
    "sinkholes": "sinkhole",
    "smtp-receiving-ips": "mail provider",
    "smtp-sending-ips": "mail provider",
    "stackpath": "StackPath",
    "wikimedia": "Wikimedia",
    "zscaler": "Zscaler",
}
