"""The configuration, validated, and the grid it spans; wildcard constraints; what is shown while it runs."""

import sys
import time
import warnings

from snakemake.settings.types import DeploymentMethod

sys.path.insert(0, str(Path(workflow.basedir, "workflow", "scripts")))

from steadfast.core.terminal_encoding import show_any_text
from steadfast.core.code_digest import remember_in
from steadfast.core.command import pass_on
from steadfast.config.checks import prepare
from steadfast.config.notices import ConfigWarning
from steadfast.grid import paths
from steadfast.grid.figures import Figures
from steadfast.grid.grid import Grid, in_words
from steadfast.grid.jobs import Jobs, digest, either
from steadfast.grid.report import Results
from steadfast.grid.judged_pairs import judged_pairs
from steadfast.grid.input_checks import check_inputs
from steadfast.runs.interpreter import find_interpreter_by_name
from steadfast.runs.preflight import check_before_run
from steadfast.core.termination import end_run_on_hangup, name_run
from steadfast.core.errors import ConfigError, SteadfastError
from steadfast.runs.estimates.costs import Costs
from steadfast.runs.estimates.fit import require_fit
from steadfast.runs.estimates.needs import Needs
from steadfast.runs.estimates.outlook import outlook
from steadfast.runs.estimates.sizes import ModelSizes
from steadfast.runs.estimates.tasks import forecast_of
from steadfast.runs.estimates.threads import JobThreads, pending, wait_asleep
from steadfast.core.gpus import counted_gpus
from steadfast.core.integrity import require_as_made_at_a_glance
from steadfast.runs.lock import claim_folder
from steadfast.runs.working_folder import require_usable_place
from steadfast.core.progress import quiet_libraries
from steadfast.runs.workflow import (
    closing_words,
    cores_of,
    inputs_there,
    lift_rate_limit,
    outputs_to_make,
)
from steadfast.runs.terminal.plugin import run_display
from steadfast.runs.unfinished import report_unfinished_run

find_interpreter_by_name()
name_run()
quiet_libraries()
wait_asleep()
if workflow.is_main_process:
    show_any_text()
    try:
        require_usable_place()
    except ConfigError as error:
        raise WorkflowError(
            f"The run cannot start; no job was started.\n{error}"
        ) from None
    pass_on()
    end_run_on_hangup()
    if not workflow.output_settings.dryrun:
        claim_folder()
remember_in(".snakemake/steadfast/code")


# The default grid is used only if no other is requested: layered over it, another grid would keep its models.
if not workflow.config_settings.configfiles:

    configfile: "config/config.yaml"


with warnings.catch_warnings(record=True) as noticed:
    warnings.simplefilter("always", ConfigWarning)
    try:
        GRID = Grid(prepare(config, workflow.configfiles))
        if workflow.is_main_process:
            check_inputs(GRID.config, Path(".snakemake/steadfast"))
    except ConfigError as error:
        raise WorkflowError(
            f"The configuration cannot be used; no job was started.\n{error}"
        ) from None
GPUS = counted_gpus(workflow)
SIZES = ModelSizes(GRID.config["models"])
JOBS = Jobs(GRID)
FIGURES = Figures(GRID)
RESULTS = Results(GRID)
THREADS = JobThreads(SIZES, cores_of(workflow), JOBS.on_gpus)
if workflow.is_main_process:
    for notice in noticed:
        logger.warning(f"warning: {notice.message}")

# The logger plugin of profiles/default; with --verbose or another logger, and in jobs of a cluster, there is none.
DISPLAY = run_display(main_process=workflow.is_main_process)
if DISPLAY:
    DISPLAY.describe_run(in_words(GRID))


wildcard_constraints:
    model=r"[A-Za-z0-9][A-Za-z0-9_-]*",
    variant=r"[A-Za-z0-9][A-Za-z0-9_-]*",
    judge=r"[A-Za-z0-9][A-Za-z0-9_-]*",
    table=r"[A-Za-z0-9][A-Za-z0-9_-]*",


onstart:
    needs = Needs(GRID, SIZES, outputs_to_make(workflow))
    here = workflow.resource_settings.nodes is None
    lift_rate_limit(workflow)
    try:
        check_before_run(
            GRID,
            needs.outputs,
            GPUS,
            conda=DeploymentMethod.CONDA
            in workflow.deployment_settings.deployment_method,
        )
        needs.ask_hub()
        require_fit(needs, here=here)
        require_as_made_at_a_glance(inputs_there(workflow))
    except SteadfastError as error:
        raise WorkflowError(
            f"The run cannot start; no job was started.\n{error}"
        ) from None
    if DISPLAY:
        forecast = forecast_of(workflow, Costs(GRID, SIZES, JOBS.on_gpus))
        DISPLAY.foresee(forecast, outlook(needs, forecast, time.time(), here=here))


onsuccess:
    if DISPLAY:
        DISPLAY.end(succeeded=True)
    for words in closing_words(workflow):
        print(words)


onerror:
    if DISPLAY:
        DISPLAY.end(succeeded=False)
    # after Ctrl-C the terminal is wanted back at once
    if workflow.is_main_process and not (DISPLAY and DISPLAY.interrupted):
        failures = DISPLAY.failures if DISPLAY else []
        for words in report_unfinished_run(workflow, GRID, failures):
            print(words)
