using Microsoft.Extensions.Logging;
using PyResolve.Client.Wire;

namespace PyResolve.Client;

/// <summary>Extends a reservation each time that a third of its lifetime has passed, until it is stopped or the server refuses.
/// Thread-safe.</summary>
internal sealed partial class ReservationRenewal
{
    private readonly ApiTransport _transport;
    private readonly Guid _reservation;
    private readonly int _seconds;
    private readonly CancellationTokenSource _stop;
    private long _expiresAt;
    private int _stopped;

    private ReservationRenewal(ApiTransport transport, Reservation reservation, TimeSpan timeToLive, CancellationToken closed)
    {
        _transport = transport;
        _reservation = reservation.Id;
        _seconds = (int)timeToLive.TotalSeconds;
        _stop = CancellationTokenSource.CreateLinkedTokenSource(closed);
        _expiresAt = reservation.ExpiresAt.UtcTicks;
    }

    public DateTimeOffset ExpiresAt => new(Interlocked.Read(ref _expiresAt), TimeSpan.Zero);

    private TimeSpan Interval => TimeSpan.FromTicks(_seconds * TimeSpan.TicksPerSecond / 3);

    /// <param name="transport">Sends the requests.</param>
    /// <param name="request">The request that the reservation answers.</param>
    /// <param name="reservation">Held by the server, and no lease.</param>
    /// <param name="closed">Cancelled when the client is disposed of.</param>
    public static ReservationRenewal Start(
        ApiTransport transport, MigrationRequest request, Reservation reservation, CancellationToken closed)
    {
        var renewal = new ReservationRenewal(transport, reservation, request.TimeToLive, closed);
        var first = renewal.Interval;
        if (request.OnceKey is not null)
        {
            // It may be the reservation of another process, which lasts longer: renewing it now would shorten it.
            var spare = reservation.ExpiresAt - transport.ServerClock.Now - ServerClock.Tolerance - renewal.Interval - renewal.Interval;
            first = spare > first ? spare : first;
        }

        var stop = renewal._stop.Token;
        _ = Detached.Run(() => renewal.RunAsync(first, stop));
        return renewal;
    }

    /// <summary>No further request is sent, and one that is under way is cancelled.</summary>
    public void Stop()
    {
        if (Interlocked.Exchange(ref _stopped, 1) != 0)
            return;
        _stop.Cancel();
        _stop.Dispose();
    }

    private async Task RunAsync(TimeSpan wait, CancellationToken stop)
    {
        var extend = ApiRoutes.ExtendReservation(_reservation, new() { TtlSeconds = _seconds });
        try
        {
            while (true)
            {
                await _transport.Time.DelayAsync(wait, stop).ConfigureAwait(false);
                wait = await ExtendAsync(extend, stop).ConfigureAwait(false);
            }
        }
        catch (PyResolveException refusal)
        {
            Log.Refused(_transport.Logger, _reservation, ExpiresAt, refusal.Message);
        }
        catch (Exception)
        {
            // Stopped, or the HTTP client was disposed of.
        }
    }

    /// <summary>One attempt, which does not count as an outage if it fails: a proxy may refuse PATCH alone.</summary>
    /// <returns>How long to wait before the next.</returns>
    private async Task<TimeSpan> ExtendAsync(ApiRequest extend, CancellationToken stop)
    {
        try
        {
            var extended = await _transport.SendOnceAsync(
                extend, WireJson.Default.Reservation, static one => one.State is not null, stop).ConfigureAwait(false);
            Interlocked.Exchange(ref _expiresAt, extended.ExpiresAt.UtcTicks);
            return Interval;
        }
        catch (PyResolveException failure) when (!IsRefusal(failure))
        {
            var pause = TimeSpan.FromTicks(Interval.Ticks / 3);
            return failure.RetryAfter is { } asked && asked > pause ? asked : pause;
        }
    }

    /// <summary>Another attempt would get the same answer: the reservation has ended, or the server is too old to extend one.</summary>
    private static bool IsRefusal(PyResolveException failure) =>
        failure.Code != PyResolveErrorCodes.UnexpectedAnswer && failure.Status is >= 400 and < 500 and not (408 or 429);

    private static partial class Log
    {
        [LoggerMessage(
            11, LogLevel.Warning, "The reservation {Reservation} cannot be renewed, and ends at {ExpiresAt}: {Reason}")]
        public static partial void Refused(ILogger logger, Guid reservation, DateTimeOffset expiresAt, string reason);
    }
}
