"""The JSON documents that planning hands to the stack programs, and those the programs hand back.

A stack program reads one `CentreDocument` or `TenantDocument` (Pulumi config `kraj:document`) and
exports one `CentreOutputs` or `TenantOutputs` (stack output `document`). Every number and name is
decided before a program runs: programs read no YAML and compute no address. Verification reads the
same documents, never a stack's state.

Sizes carry their unit in the name: GiB as OpenStack counts volumes, MiB as Nova counts memory.
Nothing here imports Pulumi, Ansible or openstacksdk.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Part(BaseModel):
    """Base of all parts: frozen, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


# --- shared parts ---------------------------------------------------------------------------------


class Cloud(Part):
    """The OpenStack endpoint that a stack is applied to."""

    name: str  #: entry of clouds.yaml
    auth_url: str  #: Keystone's address, from clouds.yaml
    region_name: str  #: OpenStack region
    interface: str = "public"  #: endpoint interface
    cacert: str | None = None  #: path of the CA bundle, where the cloud's certificate needs one
    services: tuple[str, ...] = ()  #: service types of its catalogue: `dns`, `load-balancer`, …


class Quota(Part):
    """A project's limits: memory in MiB, volumes in GiB, `volume_types_gib` per volume type."""

    instances: int
    cores: int
    ram_mib: int
    key_pairs: int = 10
    server_groups: int = 10
    server_group_members: int = 10
    networks: int
    subnets: int
    routers: int
    ports: int
    floating_ips: int
    security_groups: int
    security_group_rules: int
    volumes: int
    snapshots: int
    gigabytes: int
    volume_types_gib: dict[str, int] = {}


class Subnet(Part):
    """One subnet; every address decided by planning."""

    name: str
    cidr: str
    gateway: str | None  #: None: nothing leads on from here
    dns_nameservers: tuple[str, ...] = ()
    allocation_start: str  #: first address that Neutron may hand out by itself
    allocation_end: str
    subnet_pool: str | None = (
        None  #: name of the centre's subnet pool, which guards against overlap
    )
    ipv6_mode: Literal["dhcpv6-stateful", "dhcpv6-stateless", "slaac"] | None = None


class Router(Part):
    name: str
    external_network: str | None = None  #: name of the provider network that leads outside
    enable_snat: bool | None = None  #: None leaves the cloud's default


class Network(Part):
    """A network with its subnets and, where it leads anywhere, its router."""

    key: str  #: stable key inside the stack, for example `management`
    name: str
    description: str = ""
    ipv4: Subnet | None = None
    ipv6: Subnet | None = None
    router: str | None = None  #: `Router.name` of the router that serves it
    dns_domain: str | None = None


class Rule(Part):
    """One security-group rule: from `remote_cidr`, from `remote_group`, or from anyone."""

    key: str  #: stable key inside its group, for example `https-ipv4`
    direction: Literal["ingress", "egress"] = "ingress"
    ethertype: Literal["IPv4", "IPv6"]
    protocol: str | None = None  #: tcp, udp, icmp, ipv6-icmp; None is any
    port_min: int | None = None
    port_max: int | None = None
    remote_cidr: str | None = None
    remote_group: str | None = None  #: `SecurityGroup.key` of the same stack
    description: str = ""


class SecurityGroup(Part):
    key: str
    name: str
    description: str = ""
    rules: tuple[Rule, ...]


class Volume(Part):
    key: str  #: stable key inside its server, for example `data`
    name: str
    size_gib: int
    volume_type: str
    pool: str  #: storage pool of region.yaml that the size is accounted to
    metadata: dict[str, str] = {}
    path: str = ""  #: where its server mounts it; empty: nowhere


class ServerPort(Part):
    network: str  #: `Network.key` of the same stack
    fixed_ipv4: str | None = None
    fixed_ipv6: str | None = None
    security_groups: tuple[str, ...]  #: `SecurityGroup.key`s of the same stack
    allowed_addresses: tuple[str, ...] = ()  #: virtual addresses it may also use (VRRP)


class Server(Part):
    key: str  #: stable key inside its pool: `1`, `2`, …
    name: str
    availability_zone: str | None
    ports: tuple[ServerPort, ...]
    boot_volume: Volume
    data_volumes: tuple[Volume, ...] = ()


class ServerPool(Part):
    """Servers of one role, kept apart by a server group."""

    key: str  #: for example `load-balancer`, `records`
    server_group: str  #: name of the server group
    policy: Literal["anti-affinity", "soft-anti-affinity"]
    flavor: str  #: flavour name
    image: str  #: image name
    shared_image: bool = False  #: whether the project sees it only when it is shared with it
    key_pair: str | None = None  #: name of the key pair, owned by the stack's user
    user_data: str = ""  #: cloud-init document
    metadata: dict[str, str] = {}
    login: str = ""  #: user that the image makes
    availability: str = ""  #: class of the service's card; empty for the centre's own
    servers: tuple[Server, ...]


class FloatingAddress(Part):
    """A floating address and the fixed address it leads to."""

    key: str
    network: str  #: name of the external network
    description: str
    target_pool: str | None = None  #: `ServerPool.key` whose server `target_server` gets it …
    target_server: str | None = None
    target_load_balancer: str | None = None  #: … or `LoadBalancer.key`


class LoadBalancerMember(Part):
    name: str
    address: str
    port: int


class LoadBalancerListener(Part):
    key: str
    name: str
    protocol: Literal["TCP", "HTTP", "HTTPS", "UDP"]
    port: int
    pool_name: str
    algorithm: Literal["ROUND_ROBIN", "LEAST_CONNECTIONS", "SOURCE_IP"] = "ROUND_ROBIN"
    monitor_type: Literal["TCP", "HTTP", "HTTPS", "PING"] = "TCP"
    monitor_path: str | None = None  #: of HTTP and HTTPS
    members: tuple[LoadBalancerMember, ...]


class LoadBalancer(Part):
    key: str
    name: str
    description: str = ""
    network: str  #: `Network.key` of its virtual address
    address: str | None = None
    listeners: tuple[LoadBalancerListener, ...]


class DnsRecord(Part):
    key: str
    name: str  #: fully qualified, with the trailing dot
    type: Literal["A", "AAAA", "CNAME", "TXT", "MX", "SRV"]
    ttl_seconds: int = 3600
    records: tuple[str, ...] = ()
    floating_address: str | None = None  #: `FloatingAddress.key`: the record is that address


class Zone(Part):
    name: str  #: with the trailing dot
    email: str
    ttl_seconds: int = 3600
    description: str = ""
    records: tuple[DnsRecord, ...] = ()


class RegionPart(Part):
    """What a stack needs to know of its region."""

    name: str
    title: str
    nuts: str
    zone: str  #: domain of all names, without the last dot


# --- centre ---------------------------------------------------------------------------------------


class Flavor(Part):
    name: str
    vcpus: int
    ram_mib: int
    disk_gib: int
    extra_specs: dict[str, str] = {}
    description: str = ""


class Image(Part):
    """An image to publish; exactly one of `local_file` and `url`."""

    key: str
    name: str
    disk_format: str
    container_format: str = "bare"
    local_file: str | None = None
    url: str | None = None
    min_disk_gib: int
    min_ram_mib: int
    visibility: Literal["public", "community", "shared", "private"] = "public"
    protected: bool = False
    tags: tuple[str, ...] = ()
    properties: dict[str, str] = {}


class VolumeType(Part):
    name: str
    description: str = ""
    is_public: bool = True
    extra_specs: dict[str, str] = {}


class AddressScope(Part):
    name: str
    ip_version: Literal[4, 6]
    shared: bool = True


class SubnetPool(Part):
    name: str
    ip_version: Literal[4, 6]
    prefixes: tuple[str, ...]
    default_prefix_length: int
    min_prefix_length: int
    max_prefix_length: int
    address_scope: str
    shared: bool = True
    description: str = ""


class CentreDocument(Part):
    """Everything that `stacks/centre` provisions."""

    schema_: Literal["kraj.centre/1"] = "kraj.centre/1"
    region: RegionPart
    cloud: Cloud
    domain: str  #: of the centre's names, without the last dot
    tags: dict[str, str]  #: on every resource that takes metadata
    tag_list: tuple[str, ...]  #: the same as `key=value`, for resources that take plain tags
    project: str  #: name of the centre's own project
    service_user: str  #: name of the user that owns the centre's servers
    roles: tuple[str, ...]  #: roles of the service user on the project
    quota: Quota
    flavors: tuple[Flavor, ...]
    images: tuple[Image, ...]
    volume_types: tuple[VolumeType, ...]
    address_scopes: tuple[AddressScope, ...]
    subnet_pools: tuple[SubnetPool, ...]
    routers: tuple[Router, ...]
    networks: tuple[Network, ...]
    security_groups: tuple[SecurityGroup, ...]
    server_pools: tuple[ServerPool, ...]
    load_balancers: tuple[LoadBalancer, ...] = ()
    floating_addresses: tuple[FloatingAddress, ...] = ()
    public_key: str  #: OpenSSH public key of the operators
    key_pair: str  #: name of the key pair made from it
    zone: Zone | None = None  #: None where the cloud has no DNS service


# --- tenant ---------------------------------------------------------------------------------------


class TenantPart(Part):
    """Who the tenant is."""

    slug: str
    code: str  #: LAU code, or the code of an organisation: the identity that never changes
    title: str  #: official name
    kind: str


class Transit(Part):
    """The tenant's way to the centre's bastion: a port of its router in a network of the centre."""

    network: str  #: name of the centre's network
    router: str  #: `Router.name` of the tenant's router


class TenantDocument(Part):
    """Everything that `stacks/tenant` provisions for one tenant."""

    schema_: Literal["kraj.tenant/1"] = "kraj.tenant/1"
    region: RegionPart
    cloud: Cloud
    tenant: TenantPart
    domain: str  #: of the tenant's names, without the last dot
    tags: dict[str, str]
    tag_list: tuple[str, ...]
    project: str
    service_user: str
    application_credential: str
    roles: tuple[str, ...]
    quota: Quota
    routers: tuple[Router, ...]
    networks: tuple[Network, ...]
    security_groups: tuple[SecurityGroup, ...]
    server_pools: tuple[ServerPool, ...]
    load_balancers: tuple[LoadBalancer, ...] = ()
    floating_addresses: tuple[FloatingAddress, ...] = ()
    public_key: str
    key_pair: str
    zone: Zone | None = None
    transit: Transit | None = None  #: None without a bastion, and without servers


# --- what the programs export ---------------------------------------------------------------------


class VolumeOutput(Part):
    """A data volume of a server."""

    key: str = Field(description="Its key inside the server, for example `data`.")
    id: str = Field(description="Cinder's id.")
    path: str = Field(default="", description="Where the server mounts it; empty: nowhere.")


class ServerOutput(Part):
    """One server that stands."""

    pool: str = Field(description="Key of its pool, for example `records`.")
    name: str = Field(description="Its name in the cloud.")
    id: str = Field(description="Nova's id.")
    addresses: tuple[str, ...] = Field(description="Fixed addresses, IPv4 first.")
    floating_address: str | None = Field(default=None, description="Address from outside.")
    availability_zone: str | None = Field(default=None, description="Nova's zone of its host.")
    metadata: dict[str, str] = Field(default={}, description="Tags: region, tenant, owner, …")
    login: str = Field(default="", description="User that its image makes, for SSH.")
    availability: str = Field(default="", description="Class of its service, as the card says.")
    volumes: tuple[VolumeOutput, ...] = Field(default=(), description="Its data volumes.")


class StackOutputs(Part):
    """Exported by both programs as stack output `document`."""

    schema_: Literal["kraj.stack-outputs/1"] = Field(
        default="kraj.stack-outputs/1", description="Kind and version of this part."
    )
    stack: str = Field(description="`centre` or `tenant:<slug>`.")
    project_id: str = Field(description="Keystone's id of the stack's project.")
    networks: dict[str, str] = Field(description="Ids by key, for example `management`.")
    servers: tuple[ServerOutput, ...] = Field(description="All servers.")
    floating_addresses: dict[str, str] = Field(description="Addresses by key.")
    load_balancers: dict[str, str] = Field(description="Virtual addresses by key.")
    application_credential_id: str | None = Field(
        default=None, description="Keystone's id of the tenant's own credential."
    )
    prefixes: tuple[str, ...] = Field(default=(), description="Prefixes of the networks.")
    title: str = Field(default="", description="Official name of the tenant, or of the region.")
    zone: str = Field(default="", description="Domain of the region, without the last dot.")
    domain: str = Field(default="", description="Domain of the stack's names.")
    transit_address: str | None = Field(
        default=None, description="Address of the tenant's router that the bastion comes through."
    )

    def service_name(self, service: str) -> str:
        """What people ask a service of the stack by; empty where the domain is not known."""
        return f"{service}.{self.domain}" if self.domain else ""
