namespace PyResolve.Client.Tests.Drivers;

/// <summary>An unreliable server: it answers late, processes a request without answering, fails, or closes the connection.</summary>
public sealed class Unreliable(int seed)
{
    private readonly Lock _gate = new();
    private readonly Random _random = new(seed);

    public Func<ReceivedRequest, Answer> Around(Func<ReceivedRequest, Answer> answer) => request => Next(10) switch
    {
        0 => Answer.ConnectionClosed,
        1 => answer(request) with { Status = Answer.ConnectionClosed.Status },
        2 => answer(request) with { Status = Answer.Never.Status },
        3 => Answer.Busy(0),
        4 => Answer.Html(502),
        5 or 6 => answer(request) with { Delay = TimeSpan.FromMilliseconds(Next(100)) },
        _ => answer(request),
    };

    private int Next(int count)
    {
        lock (_gate)
            return _random.Next(count);
    }
}
