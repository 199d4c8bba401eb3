using System.Net.Http.Headers;
using PyResolve.StripeSimulator.Api;
using PyResolve.StripeSimulator.Lifecycle;
using PyResolve.StripeSimulator.Objects;

namespace PyResolve.StripeSimulator.Webhooks;

/// <summary>Lets time act, and sends what is due. At least once, several at a time, in no promised order: as Stripe does.</summary>
internal sealed class DeliveryPump : BackgroundService
{
    private const int AtOnce = 16;

    private static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan LongestWait = TimeSpan.FromDays(1);

    private readonly World _world;
    private readonly HttpClient _http;
    private readonly SemaphoreSlim _turns = new(AtOnce);
    private TaskCompletionSource _signal = NewSignal();
    private TaskCompletionSource _progress = NewSignal();

    public DeliveryPump(World world)
    {
        _world = world;
        // A redirect is not an acceptance; following one would hide that.
        _http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false }) { Timeout = AnswerWithin };
        world.Deliveries.OnChange = Tell;
    }

    /// <summary>Waits until nothing is on its way or due. What is paused or delayed stays.</summary>
    public async Task WhenIdleAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Task changed;
            lock (_world.Gate)
            {
                Passage.CatchUp(_world);
                if (_world.Deliveries.IsIdle)
                    return;
                changed = _progress.Task;
            }

            await changed.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Sends now, whatever is paused or delayed.</summary>
    /// <returns>The answer's status; 0 without an answer.</returns>
    public Task<int> SendNowAsync(Delivery delivery, CancellationToken cancellationToken)
    {
        lock (_world.Gate)
            _world.Deliveries.Take(delivery);
        return SendAsync(delivery, cancellationToken);
    }

    public override void Dispose()
    {
        _http.Dispose();
        _turns.Dispose();
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
            // What is on its way is cut short by the same token, and gives its turn back.
            for (var turn = 0; turn < AtOnce; turn++)
                await _turns.WaitAsync(CancellationToken.None);
        }
    }

    private async Task RunAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            var signal = NewSignal();
            Volatile.Write(ref _signal, signal);
            IReadOnlyList<Delivery> due;
            TimeSpan wait;
            lock (_world.Gate)
            {
                Passage.CatchUp(_world);
                due = _world.Deliveries.TakeDue(AtOnce);
                wait = TillNext();
            }

            foreach (var delivery in due)
            {
                await _turns.WaitAsync(stoppingToken);
                _ = SendInTurnAsync(delivery, stoppingToken);
            }

            if (due.Count == 0)
                await WaitAsync(signal.Task, wait, stoppingToken);
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Under the gate, so that whoever saw the state before also sees this.</summary>
    private void Tell()
    {
        Volatile.Read(ref _signal).TrySetResult();
        Interlocked.Exchange(ref _progress, NewSignal()).TrySetResult();
    }

    private static byte[] BodyOf(Delivery delivery)
    {
        var happened = delivery.Event;
        if (happened.IsThin)
            return Json.Bytes(happened.Render());
        var version = happened.HasOwnVersion ? happened.ApiVersion : delivery.Endpoint.ApiVersion ?? happened.ApiVersion;
        return Json.Bytes(VersionChanges.Apply(happened.RenderAs(version), version));
    }

    private async Task SendInTurnAsync(Delivery delivery, CancellationToken stoppingToken)
    {
        try
        {
            await SendAsync(delivery, stoppingToken);
        }
        finally
        {
            _turns.Release();
        }
    }

    private async Task<int> SendAsync(Delivery delivery, CancellationToken cancellationToken)
    {
        byte[] body;
        lock (_world.Gate)
            body = BodyOf(delivery);
        var status = await PostAsync(delivery.Endpoint, body, cancellationToken);
        lock (_world.Gate)
        {
            _world.Deliveries.Finish(delivery, status);
            Tell();
        }

        return status;
    }

    private async Task<int> PostAsync(WebhookEndpoint endpoint, byte[] body, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, endpoint.Url);
        request.Content = new ByteArrayContent(body);
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json") { CharSet = "utf-8" };
        request.Headers.UserAgent.ParseAdd("Stripe/1.0 (+https://stripe.com/docs/webhooks)");
        request.Headers.Add(Signature.Header, Signature.Of(body, endpoint.Secret, _world.Clock.Real.GetUtcNow()));
        try
        {
            using var answer = await _http.SendAsync(request, cancellationToken);
            return (int)answer.StatusCode;
        }
        catch (Exception failure) when (failure is HttpRequestException or OperationCanceledException)
        {
            return 0;
        }
    }

    private TimeSpan TillNext()
    {
        var next = _world.Deliveries.NextDue;
        if (Passage.NextDue(_world) is { } due && (next is null || due < next))
            next = due;
        if (next is null)
            return LongestWait;
        var wait = next.Value - _world.Clock.GetUtcNow();
        return wait < TimeSpan.Zero ? TimeSpan.Zero : wait < LongestWait ? wait : LongestWait;
    }

    private async Task WaitAsync(Task signal, TimeSpan wait, CancellationToken stoppingToken)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        await Task.WhenAny(signal, Task.Delay(wait, _world.Clock, over.Token));
        await over.CancelAsync();
    }
}
