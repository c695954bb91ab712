"""aetcd."""

import asyncio

import aetcd


class Session:
    def __init__(self, credentials):
        self.runner = asyncio.Runner()
        self.client = aetcd.Client(
            credentials["host"],
            credentials["port"],
            credentials["username"],
            credentials["password"],
            timeout=10,
        )
        self.runner.run(self.client.connect())

    def call(self, name, *arguments):
        return self.runner.run(self.logged_in(name, *arguments))

    async def logged_in(self, name, *arguments):
        try:
            return await getattr(self.client, name)(*arguments)
        except aetcd.exceptions.UnauthenticatedError:
            # A token ends some minutes after its last use, and with the server.
            await self.client.close()
            return await getattr(self.client, name)(*arguments)

    def write(self, name, value):
        self.call("put", name.encode(), value.encode())

    def read(self, name):
        return self.call("get", name.encode()).value.decode()

    def delete(self, name):
        self.call("delete", name.encode())

    def list(self):
        return [result.key.decode() for result in self.call("get_all")]

    def endpoints(self):
        """Where clients that ask etcd go next."""
        members = self.runner.run(self.member_list()).members
        return [url for member in members for url in member.clientURLs]

    async def member_list(self):
        return await self.client.clusterstub.MemberList(
            aetcd.rpc.MemberListRequest(), metadata=self.client.metadata, timeout=10
        )

    def watch(self, name):
        self.watched = aiter(self.call("watch", name.encode()))

    def seen(self):
        """The next value that the watch tells of."""
        return self.runner.run(asyncio.wait_for(anext(self.watched), 10)).kv.value.decode()

    def meddle(self):
        """What of that which no app is to do was done."""
        return self.runner.run(self.meddled())

    async def meddled(self):
        rpc, channel, done = aetcd.rpc, self.client.channel, []
        auth, cluster = rpc.AuthStub(channel), rpc.ClusterStub(channel)
        kv, lease = rpc.KVStub(channel), rpc.LeaseStub(channel)
        maintenance = rpc.MaintenanceStub(channel)
        mine, nothing = self.client.metadata, ()
        for call, request, metadata in [
            (auth.AuthDisable, rpc.AuthDisableRequest(), mine),
            (auth.UserList, rpc.AuthUserListRequest(), mine),
            (auth.UserAdd, rpc.AuthUserAddRequest(name="x", password="x"), mine),
            (auth.RoleList, rpc.AuthRoleListRequest(), mine),
            (auth.RoleAdd, rpc.AuthRoleAddRequest(name="x"), mine),
            (cluster.MemberAdd, rpc.MemberAddRequest(peerURLs=["http://127.0.0.1:1"]), mine),
            (kv.Compact, rpc.CompactionRequest(revision=1), mine),
            (maintenance.Alarm, rpc.AlarmRequest(action=1, alarm=1), mine),
            (maintenance.Alarm, rpc.AlarmRequest(action=1, alarm=1), nothing),
            (lease.LeaseGrant, rpc.LeaseGrantRequest(TTL=60), nothing),
            (lease.LeaseGrant, rpc.LeaseGrantRequest(TTL=60), (("token", "x"),)),
        ]:
            try:
                await call(request, metadata=metadata, timeout=10)
                done.append(type(request).__name__)
            except rpc.AioRpcError as error:
                known = ("PERMISSION_DENIED", "UNAUTHENTICATED")
                if error.code().name not in known:
                    done.append(f"{type(request).__name__}: {error.details()}")
        return done
