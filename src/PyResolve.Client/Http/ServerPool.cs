namespace PyResolve.Client;

/// <summary>The addresses of the service, in the order in which they are asked: the one that answered last, then the others as they are
/// written. One that has failed comes after them for some seconds, and one that hangs last. Thread-safe.</summary>
internal sealed class ServerPool(ClientSettings settings, bool connects, TimeProvider time)
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);

    private readonly Server[] _servers = [.. settings.ApiUrls.Select(url => new Server(url, settings, connects))];
    private int _latest;

    /// <summary>The one that answered last; the first before any has.</summary>
    public Server Latest => _servers[Volatile.Read(ref _latest)];

    /// <summary>Whether another server may be asked after this failure: the request never arrived, or it counts once however often it is
    /// sent, and this server does not work.</summary>
    public static bool MayAskAnother(ApiRequest request, PyResolveException failure) =>
        failure.IsUnsent || (request.IsRepeatable && IsDown(failure));

    public IReadOnlyList<Server> InTurn()
    {
        if (_servers.Length == 1)
            return _servers;
        var latest = Latest;
        return [.. _servers.OrderBy(IsPaused).ThenBy(static server => server.Hangs).ThenBy(server => server != latest)];
    }

    public void Answered(Server server)
    {
        if (_servers.Length == 1)
            return;
        (server.FailedAt, server.Hangs) = (null, false);
        Volatile.Write(ref _latest, Array.IndexOf(_servers, server));
    }

    public void Failed(Server server, PyResolveException failure)
    {
        if (IsDown(failure))
            (server.FailedAt, server.Hangs) = (time.GetTimestamp(), failure.Code == PyResolveErrorCodes.Timeout);
        else
            Answered(server);
    }

    /// <summary>One exception for all servers that were asked: an answer says more than none.</summary>
    public static PyResolveException Join(IReadOnlyList<PyResolveException> failures)
    {
        var main = failures.LastOrDefault(static failure => failure.Status is not null) ?? failures[failures.Count - 1];
        var causes = string.Join(" ", failures.Select(static failure => failure.Cause).Distinct());
        return new(main.Code, causes, main.Hint, main)
        {
            Status = main.Status,
            RequestId = main.RequestId,
            RetryAfter = main.RetryAfter,
            Problem = main.Problem,
            OfServers = failures,
        };
    }

    private bool IsPaused(Server server) => server.FailedAt is { } at && time.GetElapsedTime(at) < Pause;

    /// <summary>No answer, that of something else, or that of a server which cannot work now. All servers have the same settings of
    /// Stripe.</summary>
    private static bool IsDown(PyResolveException failure) =>
        failure.IsOutOfReach || failure is { Status: 503, Code: not Wire.ProblemCodes.BillingNotConfigured };
}
