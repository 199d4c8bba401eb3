using System.Net.Http.Json;

namespace PyResolve.Server.Tests.Quota;

/// <summary>
/// A client that times out at random and retries with the same key or id until it is answered, so that it knows what the server did. Tracks
/// its units. Not thread-safe.
/// </summary>
/// <param name="counter">Counts the units of all clients.</param>
internal sealed class ImpatientClient(TestAccount[] doors, Random random, int mostUnits, UnitCounter? counter = null)
{
    private static readonly int[] Lengths = [30, 60, 3_600];

    private readonly List<Held> _held = [];

    public int Granted { get; private set; }

    public int Refused { get; private set; }

    /// <summary>Keys of requests that timed out and whose retry was refused: the first may have been granted later.</summary>
    public List<string> Doubtful { get; } = [];

    public int Abandoned { get; private set; }

    /// <summary>Answers of 503: the server was too busy to begin, and said when to come again.</summary>
    public int Deferred { get; private set; }

    public long Used { get; private set; }

    /// <summary>Reservations neither committed nor given back by this client; some may have expired.</summary>
    public IReadOnlyList<Held> Open => _held;

    public async Task WorkAsync(int rounds)
    {
        for (var round = 0; round < rounds; round++)
        {
            await ReserveAsync();
            // The others expire.
            if (_held.Count > 0 && random.Next(5) < 4)
                await SettleAsync(_held[random.Next(_held.Count)]);
        }
    }

    private async Task ReserveAsync()
    {
        var quantity = random.Next(1, mostUnits + 1);
        var body = new { quantity, tier = "tier1", ttl_seconds = Lengths[random.Next(Lengths.Length)] };
        var (key, abandoned) = (Guid.CreateVersion7(TimeProvider.System.GetUtcNow()).ToString(), Abandoned);
        var answer = await SendAsync(HttpMethod.Post, "/quota/reservations", body, key);
        answer.Status.ShouldBeOneOf(201, 402);
        if (answer.Status == 402)
        {
            Refused++;
            if (Abandoned > abandoned)
                Doubtful.Add(key);
            return;
        }

        Granted++;
        counter?.Add(quantity);
        _held.Add(new Held(answer.Id(), quantity, answer["month"].GetString()!, answer["expires_at"].GetDateTimeOffset()));
    }

    private async Task SettleAsync(Held reservation)
    {
        _held.Remove(reservation);
        if (random.Next(4) == 0)
        {
            var quantity = random.Next(1, reservation.Quantity + 1);
            var id = Guid.CreateVersion7(TimeProvider.System.GetUtcNow());
            counter?.Remove(reservation.Quantity - quantity);
            (await SendAsync(HttpMethod.Post, $"/quota/reservations/{reservation.Id}/commit", new { quantity, id })).Status.ShouldBe(200);
            Used += quantity;
        }
        else
        {
            counter?.Remove(reservation.Quantity);
            (await SendAsync(HttpMethod.Delete, $"/quota/reservations/{reservation.Id}", body: null)).Status.ShouldBe(200);
        }
    }

    private async Task<Answer> SendAsync(HttpMethod method, string path, object? body, string? idempotencyKey = null)
    {
        while (true)
        {
            var door = doors[random.Next(doors.Length)];
            using var timeout = new CancellationTokenSource();
            // One in four times out, sometimes after the answer.
            if (random.Next(4) == 0)
                timeout.CancelAfter(TimeSpan.FromMilliseconds(random.Next(1, 30)));
            try
            {
                using var request = new HttpRequestMessage(
                    method, new Uri(path, UriKind.Relative)) { Content = body is null ? null : JsonContent.Create(body) };
                request.Headers.Add("X-API-Key", door.ApiKey);
                if (idempotencyKey is not null)
                    request.Headers.Add("Idempotency-Key", idempotencyKey);
                var answer = await Answer.ReadAsync(await door.Http.SendAsync(request, timeout.Token));
                if (answer.Status != 503)
                    return answer;
                Deferred++;
                await Task.Delay(answer.Headers.RetryAfter.ShouldNotBeNull().Delta.ShouldNotBeNull());
            }
            catch (OperationCanceledException) when (timeout.IsCancellationRequested)
            {
                Abandoned++;
            }
        }
    }

    internal sealed record Held(Guid Id, int Quantity, string Month, DateTimeOffset ExpiresAt);
}
