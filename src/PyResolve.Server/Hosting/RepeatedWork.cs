namespace PyResolve.Server.Hosting;

/// <summary>Work in the background, over and over until the server stops. Where it fails it is put off to the next time: no reason to stop serving.</summary>
/// <param name="pause">Between two times.</param>
/// <param name="time">Whose pause it is.</param>
internal abstract class RepeatedWork(TimeSpan pause, TimeProvider time) : BackgroundService
{
    protected TimeProvider Time => time;

    protected abstract Task WorkAsync(CancellationToken cancellationToken);

    protected abstract void Failed(Exception exception);

    protected sealed override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await WorkAsync(stoppingToken);
            }
            catch (Exception) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                Failed(exception);
            }

            await Task.Delay(pause, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
