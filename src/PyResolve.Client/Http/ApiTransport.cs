using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using PyResolve.Client.Wire;

namespace PyResolve.Client;

/// <summary>Every failure becomes a <see cref="PyResolveException"/>, except cancellation.</summary>
/// <param name="settings">The options, the server and the key.</param>
/// <param name="http">The HTTP client for one request.</param>
/// <param name="connects">Whether <see cref="HttpDefaults"/> made its handler; otherwise nothing is known about its proxy.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">Logs the start and the end of outages, and retries.</param>
internal sealed partial class ApiTransport(
    ClientSettings settings, Func<HttpClient> http, bool connects, TimeProvider time, ILogger? logger = null)
{
    private const string Category = "PyResolve.Client.PyResolveClient";

    private readonly string _userAgent =
        (settings.ApplicationName is { } name ? name + " " : "") + "pyresolve-dotnet/" + ClientTelemetry.Version;

    private readonly ServerPool _servers = new(settings, connects, time);
    private readonly ILogger _logger = logger ?? settings.LoggerFactory?.CreateLogger(Category) ?? NullLogger.Instance;
    private long _changes;

    public ClientSettings Settings => settings;

    public Uri ApiUrl => _servers.Latest.Url;

    public bool HasKey => settings.ApiKey is not null;

    public TimeProvider Time => time;

    public ILogger Logger => _logger;

    /// <summary>Called after each successful answer to a request with the client's key that names the account.</summary>
    public Action<Guid>? AccountSeen { get; set; }

    public ServerClock ServerClock { get; } = new(time);

    public Outage Outage { get; } =
        new(time, connects ? new OutageFile(settings, () => ServerProxy.AddressFor(settings, settings.FolderUrl)) : null);

    /// <summary>Counts possible changes of the account. A read is outdated if this is not what it was before the read.</summary>
    public long Changes => Volatile.Read(ref _changes);

    /// <summary>Sends a request, to the next server where one does not work, and retries it if that is safe and useful, within the request
    /// timeout in total.</summary>
    public Task<T> SendAsync<T>(ApiRequest request, JsonTypeInfo<T> type, Func<T, bool> isComplete, CancellationToken cancellationToken)
        where T : class => CallAsync(request, once: false, answer => answer.Read(type, isComplete), cancellationToken);

    public Task SendAsync(ApiRequest request, CancellationToken cancellationToken) =>
        CallAsync(request, once: false, static answer => answer, cancellationToken);

    public Task<T> SendOnceAsync<T>(ApiRequest request, JsonTypeInfo<T> type, Func<T, bool> isComplete, CancellationToken cancellationToken)
        where T : class => CallAsync(request, once: true, answer => answer.Read(type, isComplete), cancellationToken);

    private async Task<T> CallAsync<T>(ApiRequest request, bool once, Func<ApiAnswer, T> read, CancellationToken cancellationToken)
        where T : class
    {
        using var call = new ApiCall(request, ApiUrl);
        NoteChange(request);
        try
        {
            var result = read(once
                ? await SendInTurnAsync(request, call, settings.RequestTimeout, mayRetry: false, cancellationToken).ConfigureAwait(false)
                : await SendWithRetriesAsync(request, call, cancellationToken).ConfigureAwait(false));
            EndOutage(_servers.Latest);
            return result;
        }
        catch (Exception exception)
        {
            // Sending usage tries again by itself, and says when it gives up.
            if (!once && exception is PyResolveException failure)
                BeginOutage(failure);
            call.Failed(exception);
            throw;
        }
        finally
        {
            NoteChange(request);
        }
    }

    private async Task<ApiAnswer> SendWithRetriesAsync(ApiRequest request, ApiCall call, CancellationToken cancellationToken)
    {
        var start = time.GetTimestamp();
        for (var attempt = 1; ; attempt++)
        {
            var remaining = settings.RequestTimeout - time.GetElapsedTime(start);
            var mayRetry = request.IsRepeatable && attempt < Retry.Attempts;
            TimeSpan wait;
            try
            {
                return await SendInTurnAsync(request, call, remaining, mayRetry, cancellationToken).ConfigureAwait(false);
            }
            catch (PyResolveException exception)
            {
                remaining = settings.RequestTimeout - time.GetElapsedTime(start);
                if (!mayRetry || Retry.WaitAfter(exception, attempt) is not { } retryDelay || retryDelay >= remaining)
                    throw;

                wait = retryDelay;
                Log.Retrying(_logger, request, attempt + 1, wait.TotalMilliseconds, exception.Code);
            }

            await time.DelayAsync(wait, cancellationToken).ConfigureAwait(false);
            call.Retry();
        }
    }

    private Task<ApiAnswer> SendInTurnAsync(
        ApiRequest request, ApiCall call, TimeSpan total, bool mayRetry, CancellationToken cancellationToken)
    {
        ThrowIfKeyIsMissing(request);
        return InTurnAsync(
            request, call, total, mayRetry, (server, limit) => SendAttemptAsync(request, call, server, limit, cancellationToken));
    }

    /// <summary>Sends to one server after the other until one works.</summary>
    private async Task<T> InTurnAsync<T>(
        ApiRequest request, ApiCall call, TimeSpan total, bool mayRetry, Func<Server, TimeSpan, Task<T>> send)
    {
        var start = time.GetTimestamp();
        var servers = _servers.InTurn();
        var failures = new List<PyResolveException>();
        for (var i = 0; ; i++)
        {
            var isLast = i == servers.Count - 1;
            var remaining = i == 0 ? total : total - time.GetElapsedTime(start);
            // What may be sent again gets half of the time, so that a lost packet, or one server, does not fail the whole call.
            var limit = request.IsRepeatable && (mayRetry || !isLast) ? TimeSpan.FromTicks(remaining.Ticks / 2) : remaining;
            try
            {
                var result = await send(servers[i], limit).ConfigureAwait(false);
                _servers.Answered(servers[i]);
                return result;
            }
            catch (PyResolveException exception)
            {
                _servers.Failed(servers[i], exception);
                failures.Add(exception);
                if (isLast || !ServerPool.MayAskAnother(request, exception) || time.GetElapsedTime(start) >= total)
                {
                    if (failures.Count == 1)
                        throw;
                    throw ServerPool.Join(failures);
                }

                Log.AskingAnother(_logger, request, servers[i + 1].Root, exception.Code);
            }

            call.Retry();
            call.SentTo(servers[i + 1].Url);
        }
    }

    private async Task<ApiAnswer> SendAttemptAsync(
        ApiRequest request, ApiCall call, Server server, TimeSpan limit, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();

        using var timeout = time.CreateTimeout(limit > TimeSpan.Zero ? limit : TimeSpan.Zero);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        using var message = CreateMessage(request, server);
        RepeatGuard.Begin(request.IsRepeatable);
        var sentAt = time.GetUtcNow();
        try
        {
            using var response = await http()
                .SendAsync(message, HttpCompletionOption.ResponseHeadersRead, either.Token).ConfigureAwait(false);
            var answer = await ApiAnswer.ReadAsync(Target(request, server), response, time, either.Token).ConfigureAwait(false);
            call.Answered(answer.Status);
            ThrowIfProxyAnswered(answer, server);
            ServerClock.Adjust(answer.Date, sentAt);
            if (answer.AccountId is { } account && request.UsesKey && answer is { IsSuccess: true, IsFromServer: true })
                AccountSeen?.Invoke(account);
            if (!answer.IsSuccess)
                throw Refusal(answer, request, server);
            return answer.IsFromServer ? answer : throw answer.Unexpected();
        }
        catch (Exception exception) when (exception is not PyResolveException)
        {
            throw Failure(exception, server, timeout.Token, cancellationToken);
        }
    }

    /// <summary>Whatever the HTTP client or a message handler throws: a cancellation of the caller, or else this client's own.</summary>
    private Exception Failure(Exception exception, Server server, CancellationToken timeout, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
            return new OperationCanceledException("The call was cancelled.", cancellationToken);
        return timeout.IsCancellationRequested
            ? server.Failure.TimedOut(settings.RequestTimeout)
            : server.Failure.Describe(exception);
    }

    private PyResolveException Refusal(ApiAnswer answer, ApiRequest request, Server server)
    {
        var refusal = answer.Failure(request.UsesKey ? settings.LogInHint : null);
        if (refusal.Code != PyResolveErrorCodes.UnexpectedAnswer)
            EndOutage(server);
        return refusal;
    }

    /// <summary>Over plain http every answer comes from the proxy, and it may be the proxy's own.</summary>
    private static void ThrowIfProxyAnswered(ApiAnswer answer, Server server)
    {
        if (answer.Status == (int)HttpStatusCode.ProxyAuthenticationRequired)
            throw server.Failure.ProxyRefused(answer.Status);
        if (!answer.IsFromServer && server.Url.Scheme == "http" && server.Proxy is { } proxy)
            throw answer.Unexpected(by: $"The proxy {ConnectionFailure.Name(proxy)}");
    }

    private void ThrowIfKeyIsMissing(ApiRequest request)
    {
        if (!settings.IsEnabled || (request.UsesKey && !HasKey))
            throw NoApiKey();
    }

    public PyResolveException NoApiKey() => settings.IsEnabled
        ? new(PyResolveErrorCodes.LoginRequired, "No API key.", settings.LogInHint)
        : new(PyResolveErrorCodes.Disabled, "The client is switched off.", "Set Enabled to true.");

    private static string Target(ApiRequest request, Server server) => $"{request.Method} {server.Root}{request.Path}";

    private HttpRequestMessage CreateMessage(ApiRequest request, Server server)
    {
        var message = new HttpRequestMessage(request.Method, server.Root + request.Path);
        message.Headers.TryAddWithoutValidation("User-Agent", _userAgent);
        message.Headers.Accept.Add(new("application/json"));
        if (request.SessionToken is { } session)
            message.Headers.Authorization = new("Bearer", session);
        else if (request.AllowsKey)
            message.Headers.Add("X-API-Key", settings.ApiKey);
        if (request.IdempotencyKey is { } idempotencyKey)
            message.Headers.Add("Idempotency-Key", idempotencyKey);
        if (request.PrefersAsync)
            message.Headers.Add("Prefer", "respond-async");
        if (request.Body is { } body)
            message.Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        return message;
    }

    private void NoteChange(ApiRequest request)
    {
        if (request.ChangesQuota)
            Interlocked.Increment(ref _changes);
    }

    /// <summary>Notes that the server is out of reach, if that is what a failure says, and logs it once.</summary>
    public void BeginOutage(PyResolveException cause)
    {
        // A request that may not be sent twice asks one server: that says nothing about the others.
        var wasAskedOfAll = settings.ApiUrls.Count == 1 || cause.OfServers?.Count == settings.ApiUrls.Count;
        if (!wasAskedOfAll || !cause.IsOutOfReach || !Outage.Begin(cause))
            return;
        ClientTelemetry.Outages.Add(1);
        Log.ServerUnreachable(_logger, cause.Message);
    }

    private void EndOutage(Server server)
    {
        if (Outage.End())
            Log.ServerReachable(_logger, server.Root);
    }

    private static partial class Log
    {
        [LoggerMessage(6, LogLevel.Warning, "{Reason}")]
        public static partial void ServerUnreachable(ILogger logger, string reason);

        [LoggerMessage(7, LogLevel.Information, "{Server} answers again")]
        public static partial void ServerReachable(ILogger logger, string server);

        [LoggerMessage(8, LogLevel.Debug, "Retrying {Request} in {Milliseconds} ms (attempt {Attempt}): {Code}")]
        public static partial void Retrying(ILogger logger, ApiRequest request, int attempt, double milliseconds, string code);

        [LoggerMessage(13, LogLevel.Debug, "Sending {Request} to {Server} instead: {Code}")]
        public static partial void AskingAnother(ILogger logger, ApiRequest request, string server, string code);
    }
}
