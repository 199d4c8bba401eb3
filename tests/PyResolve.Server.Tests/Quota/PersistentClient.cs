
namespace PyResolve.Server.Tests.Quota;

/// <summary>
/// A client that retries with the same key or id until it is answered, so that it knows what the server did. Tracks its units. Not
/// thread-safe.
/// </summary>
internal sealed class PersistentClient(TestAccount account, Random random)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    public int Granted { get; private set; }

    public long Used { get; private set; }

    /// <summary>Units of long reservations that were neither committed nor released.</summary>
    public long Held { get; private set; }

    /// <summary>The number of retries.</summary>
    public int Repeated { get; private set; }

    public async Task WorkAsync(CancellationToken over)
    {
        while (!over.IsCancellationRequested)
            await WorkAsync();
    }

    private async Task WorkAsync()
    {
        var (quantity, lasts, key) = (random.Next(1, 4), random.Next(2) == 0, CreateId());
        var ttlSeconds = lasts ? 3_600 : random.Next(1, 3);
        var reservation = await RepeatUntilAnsweredAsync(
            () => account.ReserveAsync(quantity, ttlSeconds: ttlSeconds, idempotencyKey: key.ToString()));
        Granted++;
        switch (random.Next(3))
        {
            case 0:
                var id = CreateId();
                await RepeatUntilAnsweredAsync(() => account.CommitAsync(reservation.Id(), new { id }));
                Used += quantity;
                break;
            case 1:
                await RepeatUntilAnsweredAsync(() => account.ReleaseAsync(reservation.Id()));
                break;
            default:
                Held += lasts ? quantity : 0;
                break;
        }
    }

    private async Task<Answer> RepeatUntilAnsweredAsync(Func<Task<Answer>> ask)
    {
        Answer? answer = null;
        await Eventually.IsTrueAsync(
            async () =>
            {
                try
                {
                    answer = await ask();
                }
                catch (Exception exception) when (ServerProcess.IsAway(exception))
                {
                    // Unknown outcome: the next answer shows it.
                    Repeated++;
                    return false;
                }

                answer.Status.ShouldBeOneOf(200, 201, 503);
                Repeated += answer.Status == 503 ? 1 : 0;
                return answer.Status != 503;
            },
            Patience);
        return answer!;
    }

    private static Guid CreateId() => Guid.CreateVersion7(TimeProvider.System.GetUtcNow());
}
