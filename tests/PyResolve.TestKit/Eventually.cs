using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace PyResolve.TestKit;

/// <summary>
/// Waits for something in another process or background loop. The failure names what it waited for.
/// </summary>
public static class Eventually
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan Default = TimeSpan.FromSeconds(10);

    /// <summary>Evaluates the condition until it is true, and returns how long that took.</summary>
    /// <param name="condition">Evaluated at least once, then every 10 ms.</param>
    /// <param name="within">Default 10 s.</param>
    /// <param name="cancellationToken">Ends the wait early.</param>
    /// <param name="what">What the failure names; the text of the condition unless given.</param>
    /// <exception cref="TimeoutException">It did not become true.</exception>
    public static async Task<TimeSpan> IsTrueAsync(
        Func<Task<bool>> condition,
        TimeSpan? within = null,
        CancellationToken cancellationToken = default,
        [CallerArgumentExpression(nameof(condition))] string what = "")
    {
        var limit = within ?? Default;
        var start = Stopwatch.GetTimestamp();
        while (!await condition())
        {
            if (Stopwatch.GetElapsedTime(start) > limit)
                throw new TimeoutException($"Not within {limit.TotalSeconds:0.###} s: {what}");
            await Task.Delay(Interval, cancellationToken);
        }

        return Stopwatch.GetElapsedTime(start);
    }

    /// <inheritdoc cref="IsTrueAsync(Func{Task{bool}}, TimeSpan?, CancellationToken, string)"/>
    public static Task<TimeSpan> IsTrueAsync(
        Func<bool> condition,
        TimeSpan? within = null,
        CancellationToken cancellationToken = default,
        [CallerArgumentExpression(nameof(condition))] string what = "")
        => IsTrueAsync(() => Task.FromResult(condition()), within, cancellationToken, what);

    /// <summary>Runs assertions until they pass, and returns how long that took. After the time limit, throws their own failure.</summary>
    /// <param name="assertions">Run at least once, then every 10 ms.</param>
    /// <param name="within">Default 10 s.</param>
    /// <param name="cancellationToken">Ends the wait early.</param>
    public static async Task<TimeSpan> HoldsAsync(
        Func<Task> assertions, TimeSpan? within = null, CancellationToken cancellationToken = default)
    {
        var limit = within ?? Default;
        var start = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                await assertions();
                return Stopwatch.GetElapsedTime(start);
            }
            catch (Exception failure) when (failure is not OperationCanceledException && Stopwatch.GetElapsedTime(start) <= limit)
            {
                await Task.Delay(Interval, cancellationToken);
            }
        }
    }
}
