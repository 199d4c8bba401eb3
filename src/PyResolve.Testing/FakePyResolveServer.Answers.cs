using PyResolve.Client;
using PyResolve.Testing.Contract;
using PyResolve.Testing.Http;

namespace PyResolve.Testing;

public sealed partial class FakePyResolveServer
{
    private async Task<FakeAnswer> AnswerAsync(FakeRequest request, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (IsOffline)
            throw Fault.Refused();
        var answering = ServeAsync(request, cancellationToken);
        // After the answer was started: a request that a test sees in Requests already waits for the clock, if it has to wait.
        lock (_state.Gate)
            _requests.Add(request);
        return await answering.ConfigureAwait(false);
    }

    private async Task<FakeAnswer> ServeAsync(FakeRequest request, CancellationToken cancellationToken)
    {
        if (Latency > TimeSpan.Zero)
            await Clock.DelayAsync(Latency, cancellationToken).ConfigureAwait(false);
        var answer = _faults.Take(request) is { } fault
            ? await fault.ApplyAsync(Clock, Answer, cancellationToken).ConfigureAwait(false)
            : Answer();
        while (answer.Later is { } later)
            answer = await AnswerLaterAsync(later, cancellationToken).ConfigureAwait(false);
        return answer;

        FakeAnswer Answer()
        {
            lock (_state.Gate)
                return Routes.Answer(_state, request);
        }
    }

    private async Task<FakeAnswer> AnswerLaterAsync(LaterAnswer later, CancellationToken cancellationToken)
    {
        try
        {
            await Clock.DelayAsync(later.Wait < LongestWait ? later.Wait : LongestWait, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            lock (_state.Gate)
                later.Abandon();
            throw;
        }

        lock (_state.Gate)
            return later.Read();
    }
}
