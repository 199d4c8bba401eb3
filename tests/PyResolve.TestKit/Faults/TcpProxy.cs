using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace PyResolve.TestKit;

/// <summary>
/// A faulty network in front of a server: a TCP proxy on loopback, over IPv4 or IPv6, that delays, stalls, cuts, refuses and drops. Faults
/// apply to open connections too. Thread-safe, except that one fault is set at a time.
/// </summary>
public sealed class TcpProxy : IAsyncDisposable
{
    private const int Backlog = 128;
    private static readonly TimeSpan UnansweredAfter = TimeSpan.FromMilliseconds(200);

    private readonly IPEndPoint _target;
    private readonly ConcurrentDictionary<Link, bool> _links = new();
    private readonly List<Socket> _fillers = [];
    private Socket? _listener;
    private CancellationTokenSource _accepting = new();
    private Task _acceptLoop = Task.CompletedTask;
    private volatile Fault _fault;
    private long _delayTicks;
    private int _connections;
    private int _answerBytes = -1;

    private TcpProxy(IPEndPoint target, IPEndPoint endPoint)
    {
        _target = target;
        EndPoint = endPoint;
    }

    private enum Fault
    {
        None,
        Stalls,
        Resets,
        Drops,
    }

    /// <summary>Where it listens; the same for its whole life.</summary>
    public IPEndPoint EndPoint { get; private set; }

    /// <summary>How many connections were accepted.</summary>
    public int Connections => Volatile.Read(ref _connections);

    /// <summary>How long each piece waits, in both directions. Zero: none.</summary>
    public TimeSpan Delay
    {
        get => TimeSpan.FromTicks(Interlocked.Read(ref _delayTicks));
        set => Interlocked.Exchange(ref _delayTicks, value.Ticks);
    }

    /// <param name="target">The server behind it.</param>
    /// <param name="address">Where it listens: an address of this machine, IPv4 or IPv6. Default 127.0.0.1.</param>
    /// <param name="port">0: a free one.</param>
    public static TcpProxy Start(IPEndPoint target, IPAddress? address = null, int port = 0)
    {
        var proxy = new TcpProxy(target, new(address ?? IPAddress.Loopback, port));
        proxy.Listen();
        return proxy;
    }

    /// <summary>In front of a server that listens at a literal address.</summary>
    public static TcpProxy Start(Uri target, IPAddress? address = null, int port = 0) =>
        Start(new IPEndPoint(IPAddress.Parse(target.DnsSafeHost), target.Port), address, port);

    /// <summary>A port of this machine that answers no attempt to connect, like an address without a route.</summary>
    public static async Task<TcpProxy> StartBlackHoleAsync(IPAddress address, int port = 0)
    {
        var proxy = Start(new IPEndPoint(address, port), address, port);
        await proxy.DropAsync();
        return proxy;
    }

    /// <summary>Everything passes again. Connections that were cut stay so.</summary>
    public async Task PassAsync()
    {
        await ListenAgainAsync();
        _fault = Fault.None;
        foreach (var link in _links.Keys)
            link.Resume();
    }

    /// <summary>Accepts connections, and passes nothing on in either direction.</summary>
    public async Task StallAsync()
    {
        await ListenAgainAsync();
        _fault = Fault.Stalls;
    }

    /// <summary>Resets the open connections and each new one.</summary>
    public async Task ResetAsync()
    {
        await ListenAgainAsync();
        _fault = Fault.Resets;
        CutAll();
    }

    /// <summary>Resets the open connections; new ones pass.</summary>
    public void CutAll()
    {
        foreach (var link in _links.Keys)
            link.Reset();
    }

    /// <summary>Resets each connection, open or new, once this many bytes of answers have passed. Null: never.</summary>
    public void CutAfter(int? answerBytes) => Volatile.Write(ref _answerBytes, answerBytes ?? -1);

    /// <summary>Closes the port: connections are refused. Open ones are reset.</summary>
    public async Task RefuseAsync()
    {
        await StopAcceptingAsync();
        StopListening();
        _listener = null;
        CutAll();
    }

    /// <summary>A black hole: attempts to connect get no answer at all, and open connections pass nothing on.</summary>
    /// <remarks>The queue of connections that nobody accepts is full, and the kernel drops what comes after.</remarks>
    public async Task DropAsync()
    {
        await ListenAgainAsync();
        _fault = Fault.Drops;
        await StopAcceptingAsync();
        _listener!.Listen(0);
        while (await FillAsync())
        {
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAcceptingAsync();
        StopListening();
        _fillers.ForEach(static filler => filler.Dispose());
        CutAll();
        _accepting.Dispose();
    }

    private void Listen()
    {
        var listener = new Socket(EndPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { ExclusiveAddressUse = false };
        listener.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        if (EndPoint.AddressFamily == AddressFamily.InterNetworkV6)
            listener.DualMode = false;
        listener.Bind(EndPoint);
        listener.Listen(Backlog);
        EndPoint = (IPEndPoint)listener.LocalEndPoint!;
        _listener = listener;
        Accept(listener);
    }

    private void Accept(Socket listener)
    {
        _accepting = new();
        _acceptLoop = AcceptAsync(listener, _accepting.Token);
    }

    private async Task ListenAgainAsync()
    {
        if (_listener is null)
        {
            Listen();
        }
        else if (_fault == Fault.Drops)
        {
            _listener.Listen(Backlog);
            Drain();
            await StopAcceptingAsync();
            Accept(_listener);
            _fault = Fault.None;
        }
    }

    private async Task StopAcceptingAsync()
    {
        await _accepting.CancelAsync();
        await _acceptLoop;
    }

    private void StopListening()
    {
        try
        {
            // A program that is being started at this moment holds a copy of the socket until it runs: closing ours alone would leave
            // the port open.
            _listener?.Shutdown(SocketShutdown.Both);
        }
        catch (SocketException)
        {
            // Only Linux lets a listening socket be shut down.
        }

        _listener?.Dispose();
    }

    private async Task AcceptAsync(Socket listener, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                var client = await listener.AcceptAsync(cancellationToken);
                Interlocked.Increment(ref _connections);
                _ = RunAsync(new Link(client));
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (SocketException)
            {
                // The client gave up before it was accepted.
            }
        }
    }

    private async Task RunAsync(Link link)
    {
        _links[link] = true;
        try
        {
            if (_fault == Fault.Resets)
                return;
            await PassesAsync(link);
            await link.Server(_target).ConnectAsync(_target);
            await Task.WhenAll(PumpAsync(link, isAnswer: false), PumpAsync(link, isAnswer: true));
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // One of the two is gone, or the connection was cut.
        }
        finally
        {
            _links.TryRemove(link, out _);
            link.Reset();
        }
    }

    private async Task PumpAsync(Link link, bool isAnswer)
    {
        var (from, to) = isAnswer ? (link.ToServer!, link.Client) : (link.Client, link.ToServer!);
        var buffer = new byte[16 * 1024];
        int read;
        while ((read = await from.ReceiveAsync(buffer)) > 0)
        {
            await PassesAsync(link);
            if (Delay is { Ticks: > 0 } delay)
                await Task.Delay(delay);
            var limit = Volatile.Read(ref _answerBytes);
            var length = isAnswer && limit >= 0 ? Math.Min(read, Math.Max(0, limit - link.Answered)) : read;
            for (var sent = 0; sent < length;)
                sent += await to.SendAsync(buffer.AsMemory(sent, length - sent));
            if (isAnswer)
                link.Answered += length;
            if (length < read)
            {
                link.Reset();
                return;
            }
        }

        to.Shutdown(SocketShutdown.Send);
    }

    private async Task PassesAsync(Link link)
    {
        while (_fault is Fault.Stalls or Fault.Drops)
            await link.ResumedAsync(() => _fault is Fault.Stalls or Fault.Drops);
    }

    /// <returns>Whether there was room.</returns>
    private async Task<bool> FillAsync()
    {
        var filler = new Socket(EndPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        _fillers.Add(filler);
        using var patience = new CancellationTokenSource(UnansweredAfter);
        try
        {
            await filler.ConnectAsync(EndPoint, patience.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private void Drain()
    {
        _fillers.ForEach(static filler => filler.Dispose());
        _fillers.Clear();
        while (_listener!.Poll(0, SelectMode.SelectRead))
            _listener.Accept().Dispose();
    }

    private sealed class Link(Socket client)
    {
        private TaskCompletionSource _resumed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _isReset;

        public Socket Client => client;

        public Socket? ToServer { get; private set; }

        public int Answered { get; set; }

        public Socket Server(IPEndPoint target) =>
            ToServer = new(target.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };

        public void Resume() => Interlocked.Exchange(ref _resumed, new(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();

        public async Task ResumedAsync(Func<bool> mustWait)
        {
            // Taken before the condition is read: a resumption between the two is not missed.
            var resumed = Volatile.Read(ref _resumed).Task;
            if (mustWait())
                await resumed;
            ObjectDisposedException.ThrowIf(Volatile.Read(ref _isReset) == 1, this);
        }

        public void Reset()
        {
            if (Interlocked.Exchange(ref _isReset, 1) == 1)
                return;
            Resume();
            foreach (var socket in new[] { client, ToServer })
            {
                try
                {
                    // Without lingering, closing sends a reset.
                    if (socket is not null)
                        socket.LingerState = new LingerOption(enable: true, seconds: 0);
                }
                catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
                {
                    // It is closed already.
                }

                socket?.Dispose();
            }
        }
    }
}
