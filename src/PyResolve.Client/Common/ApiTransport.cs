using System.Net.Http.Headers;
using System.Reflection;
using System.Text.Json.Serialization.Metadata;
using PyResolve.Client.Wire;

namespace PyResolve.Client;

/// <summary>Sends one request and reads one answer: every failure leaves as a <see cref="PyResolveException"/>, cancellation as itself.</summary>
internal sealed partial class ApiTransport(ClientSettings settings, Func<HttpClient> http, TimeProvider time)
{
    private static readonly string UserAgent = "pyresolve-dotnet/" + Version();
    private readonly string _root = settings.ApiUrl.AbsoluteUri.TrimEnd('/');

    public ClientSettings Settings => settings;

    public Uri ApiUrl => settings.ApiUrl;

    public bool HasKey => settings.ApiKey is not null;

    public TimeProvider Time => time;

    public ServerClock ServerClock { get; } = new(time);

    public Outage Outage { get; } = new(time);

    public async Task<T> SendAsync<T>(ApiRequest request, JsonTypeInfo<T> type, Func<T, bool> isComplete, CancellationToken cancellationToken)
        where T : class
    {
        var answer = await SendAsync(request, cancellationToken).ConfigureAwait(false);
        return answer.Read(type, isComplete);
    }

    public Task<UsageRecorded> RecordUsageAsync(UsageEventRequest usage, CancellationToken cancellationToken) =>
        SendAsync(
            (ApiRequest.Post("/usage") with { IsRepeatable = usage.Id is not null }).With(usage, WireJson.Requests.UsageEventRequest),
            WireJson.Default.UsageRecorded, static recorded => recorded.Status is not null, cancellationToken);

    /// <summary>Sends a request, again if that is safe and promising, within <see cref="PyResolveClientOptions.RequestTimeout"/> in all.</summary>
    public async Task<ApiAnswer> SendAsync(ApiRequest request, CancellationToken cancellationToken)
    {
        var start = time.GetTimestamp();
        for (var attempt = 1; ; attempt++)
        {
            var left = settings.RequestTimeout - time.GetElapsedTime(start);
            var mayRetry = request.IsRepeatable && attempt < Retry.Attempts;
            TimeSpan wait;
            try
            {
                // An attempt that may be repeated leaves time for that: a lost packet does not cost the whole call.
                return await SendOnceAsync(request, mayRetry ? TimeSpan.FromTicks(left.Ticks / 2) : left, cancellationToken).ConfigureAwait(false);
            }
            catch (PyResolveException exception)
            {
                left = settings.RequestTimeout - time.GetElapsedTime(start);
                if (!mayRetry || Retry.WaitAfter(exception, attempt) is not { } worthwhile || worthwhile >= left)
                {
                    if (exception.Code is PyResolveErrorCodes.Unreachable or PyResolveErrorCodes.Timeout)
                        Outage.Begin(exception);
                    throw;
                }

                wait = worthwhile;
            }

            await time.Pause(wait, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Sends a request once: for those who try again in a way of their own.</summary>
    public Task<ApiAnswer> SendOnceAsync(ApiRequest request, CancellationToken cancellationToken) =>
        SendOnceAsync(request, settings.RequestTimeout, cancellationToken);

    private async Task<ApiAnswer> SendOnceAsync(ApiRequest request, TimeSpan limit, CancellationToken cancellationToken)
    {
        ThrowIfKeyIsMissing(request);
        cancellationToken.ThrowIfCancellationRequested();

        var target = $"{request.Method} {_root}{request.Path}";
        using var timeout = time.CancelAfter(limit > TimeSpan.Zero ? limit : TimeSpan.Zero);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        using var message = Message(request);
        var asked = time.GetUtcNow();
        try
        {
            using var response = await http().SendAsync(message, HttpCompletionOption.ResponseHeadersRead, either.Token).ConfigureAwait(false);
            var answer = await ApiAnswer.ReadAsync(target, response, time, either.Token).ConfigureAwait(false);
            Outage.End();
            ServerClock.Learn(answer.Date, asked);
            return answer.IsSuccess ? answer : throw answer.Failure(request.SendsKey);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw TimedOut();
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            throw ConnectionFailure.Describe(_root, exception);
        }
    }

    private void ThrowIfKeyIsMissing(ApiRequest request)
    {
        if (request.SendsKey && !HasKey)
            throw new PyResolveException(PyResolveErrorCodes.LoginRequired, "No API key. Run 'pyresolve login', or set PYRESOLVE_API_KEY.");
    }

    private PyResolveException TimedOut() => new(
        PyResolveErrorCodes.Timeout,
        $"{_root} did not answer within {settings.RequestTimeout.TotalSeconds:0.###} s. Try again, or check the network and PYRESOLVE_API_URL.");

    private HttpRequestMessage Message(ApiRequest request)
    {
        var message = new HttpRequestMessage(request.Method, _root + request.Path);
        message.Headers.TryAddWithoutValidation("User-Agent", UserAgent);
        message.Headers.Accept.Add(new("application/json"));
        if (request.SessionToken is { } session)
            message.Headers.Authorization = new("Bearer", session);
        else if (request.NeedsKey)
            message.Headers.Add("X-API-Key", settings.ApiKey);
        if (request.IdempotencyKey is { } idempotencyKey)
            message.Headers.Add("Idempotency-Key", idempotencyKey);
        if (request.Body is { } body)
            message.Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        return message;
    }

    private static string Version()
    {
        var version = typeof(ApiTransport).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;
        return version.Split('+')[0];
    }
}
