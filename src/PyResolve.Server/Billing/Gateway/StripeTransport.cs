using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Text.RegularExpressions;
using PyResolve.Client;

namespace PyResolve.Server.Billing.Gateway;

/// <summary>
/// One request to Stripe, sent again where that may help: after a connection that failed, 409, a 5xx, or as <c>Stripe-Should-Retry</c>
/// says, at most twice. The <c>Idempotency-Key</c> is drawn once, so that a repetition changes nothing twice. Thread-safe.
/// </summary>
/// <param name="http">Follows no redirects: the key must not travel elsewhere.</param>
/// <param name="options">The key, the version, the address.</param>
/// <param name="time">What waits and the time-out are measured on: real time, since Stripe lives in it.</param>
internal sealed partial class StripeTransport(HttpClient http, BillingOptions options, TimeProvider time)
{
    private const int MostRetries = 2;

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(80);
    private static readonly TimeSpan ShortestDelay = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(5);

    public Task<T> GetAsync<T>(string path, StripeForm? query, JsonTypeInfo<T> type, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Get, path, query, idempotencyKey: null, type, cancellationToken);

    /// <param name="path">From the root, such as <c>/v1/customers</c>.</param>
    /// <param name="form">The parameters.</param>
    /// <param name="idempotencyKey">The caller's, where a later call must find the same; otherwise one of this call's own.</param>
    /// <param name="type">How the answer is read.</param>
    /// <param name="cancellationToken">Abandons it: Stripe may have done it all the same.</param>
    public Task<T> PostAsync<T>(string path, StripeForm form, string? idempotencyKey, JsonTypeInfo<T> type, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Post, path, form, idempotencyKey ?? Guid.CreateVersion7(time.GetUtcNow()).ToString(), type, cancellationToken);

    public Task<T> DeleteAsync<T>(string path, JsonTypeInfo<T> type, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Delete, path, form: null, idempotencyKey: null, type, cancellationToken);

    /// <summary>How far Stripe's clock is ahead of ours.</summary>
    public async Task<TimeSpan?> MeasureSkewAsync(CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(Timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        using var request = Request(HttpMethod.Get, "/v1/prices", new StripeForm().Add("limit", 1), idempotencyKey: null);
        try
        {
            using var response = await http.SendAsync(request, either.Token);
            return response.Headers.Date - time.GetUtcNow();
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new StripeException($"Stripe did not answer within {Timeout.TotalSeconds} s.", exception);
        }
        catch (Exception exception) when (ConnectionFailure.Is(exception))
        {
            throw new StripeException($"Stripe cannot be reached: {exception.Message}", exception);
        }
    }

    private async Task<T> SendAsync<T>(
        HttpMethod method, string path, StripeForm? form, string? idempotencyKey, JsonTypeInfo<T> type, CancellationToken cancellationToken)
    {
        for (var retries = 0; ; retries++)
        {
            var attempt = await TryAsync(method, path, form, idempotencyKey, type, cancellationToken);
            if (attempt.Failure is not { } failure)
                return attempt.Value!;
            if (retries == MostRetries || !attempt.MayRetry)
                throw failure;
            await Task.Delay(DelayAfter(retries), time, cancellationToken);
        }
    }

    private async Task<Attempt<T>> TryAsync<T>(
        HttpMethod method, string path, StripeForm? form, string? idempotencyKey, JsonTypeInfo<T> type, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(Timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        using var request = Request(method, path, form, idempotencyKey);
        try
        {
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
            var body = await response.Content.ReadAsByteArrayAsync(either.Token);
            return Judge(response, body, type);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            return new(default, new StripeException($"Stripe did not answer {method} {path} within {Timeout.TotalSeconds} s.", exception), MayRetry: true);
        }
        catch (Exception exception) when (ConnectionFailure.Is(exception))
        {
            return new(default, new StripeException($"Stripe cannot be reached for {method} {path}: {exception.Message}", exception), MayRetry: true);
        }
    }

    private HttpRequestMessage Request(HttpMethod method, string path, StripeForm? form, string? idempotencyKey)
    {
        var parameters = form?.ToString();
        var inQuery = method == HttpMethod.Post || string.IsNullOrEmpty(parameters) ? "" : $"?{parameters}";
        var request = new HttpRequestMessage(method, new Uri(options.ApiBase, path + inQuery));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", options.SecretKey);
        request.Headers.Add("Stripe-Version", options.ApiVersion);
        request.Headers.UserAgent.Add(new ProductInfoHeaderValue("PyResolve", Hosting.ServerVersion.Current));
        if (idempotencyKey is not null)
            request.Headers.Add("Idempotency-Key", idempotencyKey);
        if (method == HttpMethod.Post)
            request.Content = new StringContent(parameters ?? "", Encoding.UTF8, "application/x-www-form-urlencoded");
        return request;
    }

    private static Attempt<T> Judge<T>(HttpResponseMessage response, byte[] body, JsonTypeInfo<T> type)
    {
        var status = (int)response.StatusCode;
        if (status == 200)
        {
            try
            {
                if (JsonSerializer.Deserialize(body, type) is { } value)
                    return new(value, null, MayRetry: false);
            }
            catch (JsonException exception)
            {
                return new(default, Unreadable(response, exception), MayRetry: false);
            }
        }

        var failure = status == 200 ? Unreadable(response, cause: null) : ReadError(response, body);
        return new(default, failure, MayRetry(response));
    }

    private static bool MayRetry(HttpResponseMessage response)
    {
        if (response.Headers.TryGetValues("Stripe-Should-Retry", out var values))
        {
            switch (values.FirstOrDefault())
            {
                case "true":
                    return true;
                case "false":
                    return false;
            }
        }

        return (int)response.StatusCode is 409 or >= 500;
    }

    /// <summary><c>error</c> is an object, or in OAuth's answers a word.</summary>
    private static StripeException ReadError(HttpResponseMessage response, byte[] body)
    {
        JsonElement error;
        try
        {
            error = JsonSerializer.Deserialize(body, StripeJson.Default.StripeErrorBody)?.Error ?? default;
        }
        catch (JsonException exception)
        {
            return Unreadable(response, exception);
        }

        var status = (int)response.StatusCode;
        if (error.ValueKind is JsonValueKind.String)
        {
            var word = WithoutSecrets(error.GetString()!);
            return new StripeException($"Stripe answered {status}: {word}") { Status = status, Code = word, RequestId = RequestId(response) };
        }

        if (error.ValueKind is not JsonValueKind.Object)
            return Unreadable(response, cause: null);
        var message = status == 401 ? "Stripe does not know the key in STRIPE_SECRET_KEY." : Text(error, "message");
        return new StripeException($"Stripe answered {status}: {message ?? Text(error, "code") ?? Text(error, "type")}")
        {
            Status = status,
            Type = Text(error, "type"),
            Code = Text(error, "code"),
            Param = Text(error, "param"),
            DeclineCode = Text(error, "decline_code"),
            RequestId = RequestId(response),
        };
    }

    private static StripeException Unreadable(HttpResponseMessage response, Exception? cause) =>
        new($"Stripe's answer (status {(int)response.StatusCode}) cannot be read.", cause) { Status = (int)response.StatusCode, RequestId = RequestId(response) };

    private static string? Text(JsonElement error, string member) =>
        error.TryGetProperty(member, out var value) && value.ValueKind is JsonValueKind.String ? WithoutSecrets(value.GetString()!) : null;

    /// <summary>Stripe quotes parts of keys.</summary>
    private static string WithoutSecrets(string text) => Secret().Replace(text, "${kind}…");

    [GeneratedRegex("""(?<kind>[sr]k_(live|test)_|whsec_)[^\s'"]*""", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Secret();

    private static string? RequestId(HttpResponseMessage response) =>
        response.Headers.TryGetValues("Request-Id", out var values) ? values.FirstOrDefault() : null;

    private static TimeSpan DelayAfter(int retries)
    {
        var full = TimeSpan.FromTicks(Math.Min(ShortestDelay.Ticks << retries, LongestDelay.Ticks));
#pragma warning disable CA5394 // Spreads retries; no secret.
        var spread = full * (0.75 + (Random.Shared.NextDouble() / 4));
#pragma warning restore CA5394
        return spread > ShortestDelay ? spread : ShortestDelay;
    }

    private readonly record struct Attempt<T>(T? Value, StripeException? Failure, bool MayRetry);
}
