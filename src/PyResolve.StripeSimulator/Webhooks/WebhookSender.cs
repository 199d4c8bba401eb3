using System.Net.Http.Headers;
using System.Text;
using PyResolve.StripeSimulator.Lifecycle;
using PyResolve.StripeSimulator.Objects;
using PyResolve.StripeSimulator.State;

namespace PyResolve.StripeSimulator.Webhooks;

/// <summary>Applies scheduled changes, and sends webhooks like Stripe: at least once, several at a time, in no guaranteed order.</summary>
internal sealed class WebhookSender : BackgroundService
{
    private const int MaxConcurrency = 16;
    private const int NoResponse = 0;
    private const int AnswerShown = 2000;

    private static readonly TimeSpan ResponseTimeout = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan MaxWait = TimeSpan.FromDays(1);

    private readonly StripeState _state;
    private readonly HttpClient _http;
    private readonly SemaphoreSlim _sendSlots = new(MaxConcurrency);
    private TaskCompletionSource _wakeLoop = NewSignal();
    private TaskCompletionSource _stateChanged = NewSignal();

    public WebhookSender(StripeState state)
    {
        _state = state;
        // A redirect is a failure, as in Stripe.
        _http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false }) { Timeout = ResponseTimeout };
        state.Deliveries.OnChange = NotifyChange;
    }

    public async Task WhenIdleAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Task changed;
            lock (_state.Gate)
            {
                DueChanges.Apply(_state);
                if (_state.Deliveries.IsIdle)
                    return;
                changed = _stateChanged.Task;
            }

            await changed.WaitAsync(cancellationToken);
        }
    }

    public Task<int> SendNowAsync(Delivery delivery, CancellationToken cancellationToken)
    {
        lock (_state.Gate)
            _state.Deliveries.MarkSending(delivery);
        return SendAsync(delivery, cancellationToken);
    }

    public override void Dispose()
    {
        _http.Dispose();
        _sendSlots.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await RunAsync(stoppingToken);
        }
        finally
        {
            // The token cancels the deliveries being sent; each releases its slot.
            for (var slot = 0; slot < MaxConcurrency; slot++)
                await _sendSlots.WaitAsync(CancellationToken.None);
        }
    }

    private async Task RunAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            var signal = NewSignal();
            Volatile.Write(ref _wakeLoop, signal);
            IReadOnlyList<Delivery> due;
            TimeSpan wait;
            lock (_state.Gate)
            {
                DueChanges.Apply(_state);
                due = _state.Deliveries.TakeDue(MaxConcurrency);
                wait = TimeUntilNext();
            }

            foreach (var delivery in due)
            {
                await _sendSlots.WaitAsync(stoppingToken);
                _ = SendAndReleaseSlotAsync(delivery, stoppingToken);
            }

            if (due.Count == 0)
                await WaitAsync(signal.Task, wait, stoppingToken);
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Called while holding the lock, so that every waiter that read the earlier state is notified.</summary>
    private void NotifyChange()
    {
        Volatile.Read(ref _wakeLoop).TrySetResult();
        Interlocked.Exchange(ref _stateChanged, NewSignal()).TrySetResult();
    }

    private static byte[] BodyOf(Delivery delivery)
    {
        var stripeEvent = delivery.Event;
        if (stripeEvent.IsThin)
            return Json.Bytes(stripeEvent.Render());
        var version = stripeEvent.HasOwnVersion ? stripeEvent.ApiVersion : delivery.Endpoint.ApiVersion ?? stripeEvent.ApiVersion;
        return Json.Bytes(ApiVersions.Apply(stripeEvent.RenderAs(version), version));
    }

    private async Task SendAndReleaseSlotAsync(Delivery delivery, CancellationToken stoppingToken)
    {
        try
        {
            await SendAsync(delivery, stoppingToken);
        }
        finally
        {
            _sendSlots.Release();
        }
    }

    private async Task<int> SendAsync(Delivery delivery, CancellationToken cancellationToken)
    {
        byte[] body;
        lock (_state.Gate)
            body = BodyOf(delivery);
        var (status, answer) = await PostAsync(delivery.Endpoint, body, cancellationToken);
        lock (_state.Gate)
        {
            _state.Deliveries.Finish(delivery, status, answer);
            NotifyChange();
        }

        return status;
    }

    private async Task<(int Status, string Answer)> PostAsync(WebhookEndpoint endpoint, byte[] body, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, endpoint.Url);
        request.Content = new ByteArrayContent(body);
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json") { CharSet = "utf-8" };
        request.Headers.UserAgent.ParseAdd("Stripe/1.0 (+https://stripe.com/docs/webhooks)");
        request.Headers.Add(WebhookSignature.Header, WebhookSignature.Of(body, endpoint.Secret, _state.Clock.Real.GetUtcNow()));
        try
        {
            using var answer = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            return ((int)answer.StatusCode, await ReadAsync(answer, cancellationToken));
        }
        catch (Exception failure) when (
            failure is HttpRequestException or IOException or OperationCanceledException or InvalidOperationException)
        {
            return (NoResponse, failure.Message);
        }
    }

    /// <summary>The beginning, for the page.</summary>
    private static async Task<string> ReadAsync(HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        var buffer = new byte[AnswerShown];
        await using var body = await answer.Content.ReadAsStreamAsync(cancellationToken);
        var length = await body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken);
        return Encoding.UTF8.GetString(buffer, 0, length);
    }

    private TimeSpan TimeUntilNext()
    {
        var next = _state.Deliveries.NextDue;
        if (DueChanges.NextDue(_state) is { } due && (next is null || due < next))
            next = due;
        if (next is null)
            return MaxWait;
        var wait = next.Value - _state.Clock.GetUtcNow();
        return wait < TimeSpan.Zero ? TimeSpan.Zero : wait < MaxWait ? wait : MaxWait;
    }

    private async Task WaitAsync(Task signal, TimeSpan wait, CancellationToken stoppingToken)
    {
        using var delayCancellation = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        await Task.WhenAny(signal, Task.Delay(wait, _state.Clock, delayCancellation.Token));
        await delayCancellation.CancelAsync();
    }
}
