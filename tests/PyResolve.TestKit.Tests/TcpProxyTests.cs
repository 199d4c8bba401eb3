using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Xunit;

namespace PyResolve.TestKit.Tests;

public sealed class TcpProxyTests : IAsyncLifetime
{
    private readonly TcpListener _echo = new(IPAddress.Loopback, 0);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static bool IsLinux => OperatingSystem.IsLinux();

    public static TheoryData<string> Addresses { get; } = ["127.0.0.1", "::1"];

    public ValueTask InitializeAsync()
    {
        _echo.Start();
        _ = EchoAsync();
        return default;
    }

    [Theory, MemberData(nameof(Addresses))]
    public async Task What_is_sent_passes_and_is_delayed_when_asked(string address)
    {
        await using var proxy = Start(address);
        using var client = await ConnectAsync(proxy);

        Assert.Equal("one", await SayAsync(client, "one"));
        proxy.Delay = TimeSpan.FromMilliseconds(150);
        var watch = Stopwatch.StartNew();

        Assert.Equal("two", await SayAsync(client, "two"));
        Assert.InRange(watch.Elapsed.TotalMilliseconds, 290, 5000);
    }

    [Theory, MemberData(nameof(Addresses))]
    public async Task A_stalled_connection_goes_on_afterwards(string address)
    {
        await using var proxy = Start(address);
        using var client = await ConnectAsync(proxy);
        await proxy.StallAsync();

        var answer = SayAsync(client, "late");
        await Assert.ThrowsAsync<TimeoutException>(() => answer.WaitAsync(TimeSpan.FromMilliseconds(200), Cancellation));
        await proxy.PassAsync();

        Assert.Equal("late", await answer);
    }

    [Theory, MemberData(nameof(Addresses))]
    public async Task A_black_hole_answers_no_attempt_to_connect_until_it_passes(string address)
    {
        await using var proxy = Start(address);
        await proxy.DropAsync();
        for (var i = 0; i < 3; i++)
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
            using var lost = new Socket(proxy.EndPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await lost.ConnectAsync(proxy.EndPoint, limit.Token));
        }

        await proxy.PassAsync();
        using var client = await ConnectAsync(proxy);

        Assert.Equal("back", await SayAsync(client, "back"));
    }

    [Theory, MemberData(nameof(Addresses))]
    public async Task Connections_are_reset_refused_and_cut_within_an_answer(string address)
    {
        await using var proxy = Start(address);
        using (var open = await ConnectAsync(proxy))
        {
            await SayAsync(open, "open");
            await proxy.ResetAsync();
            await Assert.ThrowsAsync<SocketException>(() => SayAsync(open, "reset"));
        }

        await proxy.RefuseAsync();
        var refused = await Assert.ThrowsAsync<SocketException>(() => ConnectAsync(proxy));
        Assert.Equal(SocketError.ConnectionRefused, refused.SocketErrorCode);

        await proxy.PassAsync();
        proxy.CutAfter(3);
        using var cut = await ConnectAsync(proxy);
        await Assert.ThrowsAsync<SocketException>(() => SayAsync(cut, "four"));
    }

    [Fact(SkipUnless = nameof(IsLinux), Skip = "Only Linux lets a listening socket be shut down.")]
    public async Task A_port_is_refused_while_programs_are_being_started()
    {
        using var enough = new CancellationTokenSource();
        var starting = Task.Run(() => StartProgramsAsync(enough.Token), Cancellation);
        await using var proxy = Start("127.0.0.1");

        for (var i = 0; i < 500; i++)
        {
            await proxy.RefuseAsync();
            var refused = await Assert.ThrowsAsync<SocketException>(() => ConnectAsync(proxy));
            Assert.Equal(SocketError.ConnectionRefused, refused.SocketErrorCode);
            await proxy.PassAsync();
        }

        await enough.CancelAsync();
        await starting;
    }

    public ValueTask DisposeAsync()
    {
        _echo.Dispose();
        return default;
    }

    private static async Task StartProgramsAsync(CancellationToken enough)
    {
        while (!enough.IsCancellationRequested)
        {
            using var program = Process.Start("true");
            await program.WaitForExitAsync(CancellationToken.None);
        }
    }

    private TcpProxy Start(string address) => TcpProxy.Start((IPEndPoint)_echo.LocalEndpoint, IPAddress.Parse(address));

    private static async Task<Socket> ConnectAsync(TcpProxy proxy)
    {
        var client = new Socket(proxy.EndPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await client.ConnectAsync(proxy.EndPoint, Cancellation).AsTask().WaitAsync(TimeSpan.FromSeconds(5), Cancellation);
            return client;
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    private static async Task<string> SayAsync(Socket client, string text)
    {
        await client.SendAsync(System.Text.Encoding.ASCII.GetBytes(text), Cancellation);
        var answer = new byte[text.Length];
        for (var read = 0; read < answer.Length;)
        {
            var more = await client.ReceiveAsync(answer.AsMemory(read), Cancellation);
            if (more == 0)
                throw new SocketException((int)SocketError.ConnectionReset);
            read += more;
        }

        return System.Text.Encoding.ASCII.GetString(answer);
    }

    private async Task EchoAsync()
    {
        try
        {
            while (true)
                _ = EchoAsync(await _echo.AcceptSocketAsync(CancellationToken.None));
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private static async Task EchoAsync(Socket socket)
    {
        using (socket)
        {
            var buffer = new byte[1024];
            int read;
            try
            {
                while ((read = await socket.ReceiveAsync(buffer, CancellationToken.None)) > 0)
                    await socket.SendAsync(buffer.AsMemory(0, read), CancellationToken.None);
            }
            catch (SocketException)
            {
                // Reset by the proxy.
            }
        }
    }
}
