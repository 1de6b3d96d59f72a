import {GraphRenderer} from "@web/views/graph/graph_renderer";
import {graphView} from "@web/views/graph/graph_view";
import {registry} from "@web/core/registry";

/** Green is answered and red is missed, as in the lists. */
export const COLORS = {
    answered: "#28a745",
    missed: "#dc3545",
    busy: "#fd7e14",
    no_answer: "#ffc107",
    cancelled: "#adb5bd",
    failed: "#6c757d",
};

/** Graphs of calls: what is grouped by outcome has the outcomes' own colours. */
export class CallGraphRenderer extends GraphRenderer {
    /** The colour of a group by its label, where the label is an outcome's. */
    get colors() {
        const {selection = []} = this.model.metaData.fields.outcome || {};
        return Object.fromEntries(
            selection.map(([outcome, label]) => [label, COLORS[outcome]]),
        );
    }

    getBarChartData() {
        const data = super.getBarChartData();
        for (const dataset of this.model.data.datasets) {
            dataset.backgroundColor =
                this.colorOf(dataset.label) || dataset.backgroundColor;
        }
        return data;
    }

    getPieChartData() {
        const data = super.getPieChartData();
        for (const dataset of data.datasets) {
            const colors = [...dataset.backgroundColor];
            data.labels.forEach((label, index) => {
                colors[index] = this.colorOf(label) || colors[index];
            });
            dataset.backgroundColor = dataset.hoverBackgroundColor = colors;
        }
        return data;
    }

    /** With several groups a label has several parts: one of them is the outcome. */
    colorOf(label) {
        const parts = String(label || "").split(" / ");
        return parts.map((part) => this.colors[part]).find(Boolean);
    }
}

export const callGraphView = {...graphView, Renderer: CallGraphRenderer};

registry.category("views").add("pbx_call_graph", callGraphView);
