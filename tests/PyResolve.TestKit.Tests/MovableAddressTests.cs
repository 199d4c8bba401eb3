using System.Net;
using System.Net.Sockets;

namespace PyResolve.TestKit.Tests;

public sealed class MovableAddressTests
{
    [Fact]
    public async Task New_connections_reach_the_new_server_and_open_ones_stay()
    {
        using var first = new TcpListener(IPAddress.Loopback, 0);
        using var second = new TcpListener(IPAddress.Loopback, 0);
        first.Start();
        second.Start();
        await using var address = new MovableAddress(PortOf(first));

        using var old = new TcpClient();
        await old.ConnectAsync(IPAddress.Loopback, address.Port, TestContext.Current.CancellationToken);
        using var atFirst = await first.AcceptTcpClientAsync(TestContext.Current.CancellationToken);
        address.MoveTo(PortOf(second));
        using var next = new TcpClient();
        await next.ConnectAsync(IPAddress.Loopback, address.Port, TestContext.Current.CancellationToken);
        using var atSecond = await second.AcceptTcpClientAsync(TestContext.Current.CancellationToken);

        (await PassAsync(old, atFirst)).ShouldBe(1);
        (await PassAsync(next, atSecond)).ShouldBe(1);
    }

    private static int PortOf(TcpListener listener) => ((IPEndPoint)listener.LocalEndpoint).Port;

    private static async Task<int> PassAsync(TcpClient from, TcpClient to)
    {
        await from.GetStream().WriteAsync("x"u8.ToArray(), TestContext.Current.CancellationToken);
        return await to.GetStream().ReadAsync(new byte[8], TestContext.Current.CancellationToken);
    }
}
