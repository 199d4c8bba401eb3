using PyResolve.Cli.Output;

namespace PyResolve.Cli.Migrations;

internal enum ProgressStyle
{
    None,

    /// <summary>One line that is drawn again and again: a terminal.</summary>
    Redrawn,

    /// <summary>A line now and then: a log.</summary>
    Lines,

    /// <summary>Not shown: handed to a listener, a few times a second.</summary>
    Passed,
}

/// <summary>
/// Shows progress on standard error. Whatever else is written meanwhile goes through <see cref="Write"/>, which removes the progress first.
/// Thread-safe.
/// </summary>
internal sealed class ProgressDisplay : IDisposable
{
    private const string ClearLine = "\r\e[K";

    // Where the width is wrong, after a resize or with wide letters, the terminal cuts the line off instead of breaking it.
    private const string NoWrap = "\e[?7l";
    private const string Wrap = "\e[?7h";

    private const int StepPercent = 10;

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan ShortestPause = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(15);

    private readonly Lock _lock = new();
    private readonly Terminal _terminal;
    private readonly ProgressStyle _style;
    private readonly Func<int> _columns;
    private readonly TimeProvider _time;
    private readonly Action<ProgressState>? _listener;
    private readonly ITimer? _timer;
    private ProgressState? _state;
    private ProgressState? _lastLine;
    private long _startedAt;
    private long _lastLineAt;
    private bool _isDrawn;
    private bool _isMidLine;

    /// <param name="columns">The present width of the terminal.</param>
    /// <param name="listener">Of <see cref="ProgressStyle.Passed"/>. Has to return at once.</param>
    public ProgressDisplay(
        Terminal terminal, ProgressStyle style, Func<int> columns, TimeProvider time, Action<ProgressState>? listener = null)
    {
        (_terminal, _style, _columns, _time, _listener) = (terminal, style, columns, time, listener);
        _timer = style == ProgressStyle.None ? null : time.CreateTimer(_ => Tick(), state: null, Interval, Interval);
    }

    public bool IsRedrawn => _style == ProgressStyle.Redrawn;

    /// <summary>Begins to show something, from the time 0:00 on.</summary>
    public void Start(string what)
    {
        lock (_lock)
        {
            _state = _lastLine = new ProgressState(what);
            _startedAt = _lastLineAt = _time.GetTimestamp();
        }
    }

    public void Report(long done, long? total = null, string? file = null)
    {
        lock (_lock)
            _state = _state is null ? null : _state with { Done = done, Total = total, File = file };
    }

    /// <summary>Removes it, until the next start.</summary>
    public void Stop()
    {
        lock (_lock)
        {
            Clear();
            PassOn();
            _state = null;
        }
    }

    public void Write(Action write)
    {
        lock (_lock)
        {
            Clear();
            write();
        }
    }

    /// <summary>As <see cref="Write"/>, for text that may end within a line, such as a question. Nothing is drawn behind it.</summary>
    public void Pass(Stream stream, ReadOnlySpan<byte> text)
    {
        lock (_lock)
        {
            Clear();
            stream.Write(text);
            _isMidLine = text is not [.., (byte)'\n'];
        }
    }

    public void Dispose()
    {
        _timer?.Dispose();
        Stop();
    }

    private void Tick()
    {
        lock (_lock)
        {
            if (_state is null)
                return;
            var elapsed = _time.GetElapsedTime(_startedAt);
            if (_style == ProgressStyle.Redrawn)
                Draw(_state, elapsed);
            else if (_style == ProgressStyle.Passed)
                PassOn();
            else if (IsLineDue(_state))
                WriteLine(_state, elapsed);
        }
    }

    private void Draw(ProgressState state, TimeSpan elapsed)
    {
        if (_isMidLine)
            return;
        _terminal.ErrorOutput.Write($"{NoWrap}\r{ProgressLine.Format(_terminal, state, elapsed, _columns())}\e[K{Wrap}");
        _isDrawn = true;
    }

    private void PassOn()
    {
        if (_style != ProgressStyle.Passed || _state is null || _state == _lastLine)
            return;
        _lastLine = _state;
        _listener?.Invoke(_state);
    }

    private bool IsLineDue(ProgressState state)
    {
        var pause = _time.GetElapsedTime(_lastLineAt);
        return pause >= LongestPause || (pause >= ShortestPause && (state.Percent ?? 0) - (_lastLine?.Percent ?? 0) >= StepPercent);
    }

    private void WriteLine(ProgressState state, TimeSpan elapsed)
    {
        string[] parts = [state.Count, state.Percent is { } percent ? $"{percent} %" : "", ProgressLine.FormatTime(elapsed)];
        _terminal.Note($"  {state.What}: {string.Join(", ", parts.Where(static part => part.Length > 0))}");
        _lastLine = state;
        _lastLineAt = _time.GetTimestamp();
    }

    private void Clear()
    {
        if (!_isDrawn)
            return;
        _terminal.ErrorOutput.Write(ClearLine);
        _isDrawn = false;
    }
}
