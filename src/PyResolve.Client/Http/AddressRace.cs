#if NET
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace PyResolve.Client;

/// <summary>Connects to the first of a host's addresses that answers, as RFC 8305 describes: IPv6 and IPv4 take turns, and each next
/// address is tried when the one before has failed or has not answered for 250 ms. An address over which a connection was made and then
/// nothing came, as when a route drops large packets, comes last for ten minutes. Thread-safe.</summary>
/// <param name="resolve">Looks a name up.</param>
/// <param name="time">The clock of the delay.</param>
internal sealed class AddressRace(Func<string, CancellationToken, Task<IPAddress[]>> resolve, TimeProvider time)
{
    private const string ProxyMark = "PyResolve.Proxy";
    private static readonly TimeSpan AttemptDelay = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan SilenceCounts = TimeSpan.FromMinutes(10);

    private readonly ConcurrentDictionary<IPAddress, long> _silent = new();

    public static AddressRace Default { get; } = new(Dns.GetHostAddressesAsync, TimeProvider.System);

    /// <summary>The proxy that could not be reached, as host and port, if that is what an exception of connecting
    /// says.</summary>
    public static string? ProxyOf(Exception exception) => exception.Data[ProxyMark] as string;

    public async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var endPoint = context.DnsEndPoint;
        try
        {
            var found = Sort(await resolve(endPoint.Host, cancellationToken).ConfigureAwait(false));
            List<IPAddress> addresses = [.. found.OrderBy(address => IsSilent(address))];
            var socket = await RaceAsync(addresses, endPoint.Port, cancellationToken).ConfigureAwait(false);
            return new Connection(socket, _silent, time);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            var request = context.InitialRequestMessage;
            if (request.Method == HttpMethod.Connect || (request.RequestUri is { } server && !IsSame(server, endPoint)))
                exception.Data[ProxyMark] = $"{endPoint.Host}:{endPoint.Port}";
            throw;
        }
    }

    /// <summary>The system's order within each family; the families take turns, and the system's first address stays first.</summary>
    internal static IReadOnlyList<IPAddress> Sort(IEnumerable<IPAddress> found)
    {
        var addresses = found.Select(static address => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).Distinct().ToList();
        if (addresses.Count == 0)
            throw new SocketException((int)SocketError.HostNotFound);
        var preferred = addresses.Where(address => address.AddressFamily == addresses[0].AddressFamily).ToList();
        var others = addresses.Where(address => address.AddressFamily != addresses[0].AddressFamily).ToList();
        var sorted = new List<IPAddress>(addresses.Count);
        for (var i = 0; sorted.Count < addresses.Count; i++)
        {
            sorted.AddRange(preferred.Skip(i).Take(1));
            sorted.AddRange(others.Skip(i).Take(1));
        }

        return sorted;
    }

    private async Task<Socket> RaceAsync(List<IPAddress> addresses, int port, CancellationToken cancellationToken)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var attempts = new List<Task<Socket>>();
        var failures = new List<Exception>();
        try
        {
            for (var next = 0; ;)
            {
                if (next < addresses.Count)
                    attempts.Add(ConnectAsync(addresses[next++], port, over.Token));
                var first = await FirstAsync(attempts, mayWait: next == addresses.Count, over.Token).ConfigureAwait(false);
                cancellationToken.ThrowIfCancellationRequested();
                if (first is null)
                    continue;
                attempts.Remove(first);
                if (first.Status == TaskStatus.RanToCompletion)
                    return await first.ConfigureAwait(false);
                failures.Add(first.Exception?.InnerException ?? new SocketException((int)SocketError.OperationAborted));
                if (attempts.Count == 0 && next == addresses.Count)
                    throw MostTelling(failures);
            }
        }
        finally
        {
            await over.CancelAsync().ConfigureAwait(false);
            attempts.ForEach(Abandon);
        }
    }

    /// <returns>The first attempt that has ended; <see langword="null"/> when it is time for the next one.</returns>
    private async Task<Task<Socket>?> FirstAsync(List<Task<Socket>> attempts, bool mayWait, CancellationToken cancellationToken)
    {
        if (mayWait)
            return await Task.WhenAny(attempts).ConfigureAwait(false);
        Task first;
        using (var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken))
        {
            first = await Task.WhenAny([.. attempts, time.DelayAsync(AttemptDelay, enough.Token)]).ConfigureAwait(false);
            await enough.CancelAsync().ConfigureAwait(false);
        }

        return first as Task<Socket>;
    }

    private static async Task<Socket> ConnectAsync(IPAddress address, int port, CancellationToken cancellationToken)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(address, port, cancellationToken).ConfigureAwait(false);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Notes whether anything came before it is closed.</summary>
    private sealed class Connection(Socket socket, ConcurrentDictionary<IPAddress, long> silent, TimeProvider time)
        : NetworkStream(socket, ownsSocket: true)
    {
        private readonly IPAddress? _address = (socket.RemoteEndPoint as IPEndPoint)?.Address;
        private int _isHeard;

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var read = await base.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
            if (read > 0 && Interlocked.Exchange(ref _isHeard, 1) == 0 && _address is not null)
                silent.TryRemove(_address, out _);
            return read;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing && Interlocked.Exchange(ref _isHeard, 1) == 0 && _address is not null)
                silent[_address] = time.GetTimestamp();
            base.Dispose(disposing);
        }
    }

    /// <summary>An attempt that lost may still have connected.</summary>
    private static void Abandon(Task<Socket> attempt) => _ = attempt.ContinueWith(
        static ended =>
        {
            if (ended.Status == TaskStatus.RanToCompletion)
                ended.Result.Dispose();
            else
                _ = ended.Exception;
        },
        CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);

    /// <summary>A family without a route says little where another address was refused.</summary>
    private static Exception MostTelling(List<Exception> failures) =>
        failures.Find(static failure => failure is SocketException
        {
            SocketErrorCode: not (SocketError.NetworkUnreachable or SocketError.HostUnreachable or SocketError.AddressFamilyNotSupported
                or SocketError.AddressNotAvailable or SocketError.NetworkDown)
        }) ?? failures[0];

    private bool IsSilent(IPAddress address) =>
        _silent.TryGetValue(address, out var since) && time.GetElapsedTime(since) < SilenceCounts;

    private static bool IsSame(Uri server, DnsEndPoint endPoint) =>
        endPoint.Port == server.Port
        && endPoint.Host.Trim('[', ']').Equals(server.IdnHost.Trim('[', ']'), StringComparison.OrdinalIgnoreCase);
}
#endif
